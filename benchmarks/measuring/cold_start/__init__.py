"""Cold starts in instructions: initialisation and first invocation of every built function.

Instructions (valgrind's callgrind) are the same on a busy machine and on an idle one, and almost the same on different
machines. The functions talk to another process, whose work is not counted. The bare interpreter is subtracted.
"""
