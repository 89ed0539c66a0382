"""What `ljwx serve` answers over HTTP: the API, and chat as other clients speak it. Thin over `services/`."""
