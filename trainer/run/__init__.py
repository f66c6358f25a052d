"""The run: launch, loop, one step, learning rate, log, memory."""
