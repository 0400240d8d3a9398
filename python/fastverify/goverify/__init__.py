"""``go mod verify`` without the go command: the same words, the same order, the same exit status.

The rest of fastverify says what is wrong in its own way.  This room alone speaks as Go does, for scripts
that read it; each module here names the file of the go command whose behaviour it has.
"""
