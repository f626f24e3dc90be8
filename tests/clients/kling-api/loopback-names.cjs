// Resolves names below "localhost" to the loopback, as RFC 6761 asks of resolvers and many a libc does not.
// The client refuses to download from "localhost" and from addresses, so Kiln needs another name for it.
const dns = require("node:dns");

const lookup = dns.lookup;

dns.lookup = (name, options, callback) =>
  lookup(name.endsWith(".localhost") ? "127.0.0.1" : name, options, callback);
