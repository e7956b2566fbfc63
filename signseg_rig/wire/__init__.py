"""Messages between the loop and the display, and the ZeroMQ sockets that carry them."""
