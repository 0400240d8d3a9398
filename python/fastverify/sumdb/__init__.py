"""The checksum database: what Go has cached of it, proved without a network.

settings   which database, whose key, which modules are exempt
reading    small files that strangers may have written
note       signed notes
tlog       tree heads, records, tile names
arithmetic Ed25519 and RFC 6962, in Rust or in Python
records    the lookup records of a cache
tiles      its tiles, and which of them are authentic
heads      its signed tree heads
proof      what is said of one module version
database   all of these put together: a proof for each module version
findings   what is wrong with the database's own files, in words
ownfolder, fetch   ``--sumdb``: what is missing, fetched into a folder of fastverify's own
"""
