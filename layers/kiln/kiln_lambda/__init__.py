"""What every handler shares with Lambda's own shapes: the contract over API Gateway, and logs, metrics and traces."""
