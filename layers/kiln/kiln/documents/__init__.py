"""The documents that are made of the models: OpenAPI for the API, AsyncAPI and JSON Schemas for events and webhooks."""
