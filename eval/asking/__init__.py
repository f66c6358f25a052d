"""Asking a model: prompts, answers through vLLM, likelihoods."""
