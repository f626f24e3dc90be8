"""The unit ring: every module of the layer and every handler, without a socket; AWS is played in the process."""
