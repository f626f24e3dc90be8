"""What ``sam build`` runs, without Docker: the layer and the functions as they are deployed, compiled and trimmed."""
