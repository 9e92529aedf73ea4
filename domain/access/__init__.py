"""Access: who may come in over the network, with which keys, in which roles."""
