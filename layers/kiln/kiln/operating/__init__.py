"""Operations on an installation: pausing dispatch, ending or restarting a task, asking the provider."""
