"""Small models of the machines of the protocol, explored completely."""
