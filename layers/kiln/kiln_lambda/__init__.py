"""Lambda's side of every handler: the contract over API Gateway, and logs, metrics and traces."""
