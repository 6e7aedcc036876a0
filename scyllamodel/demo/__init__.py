"""The tour: `scyllamodel demo` brings an online shop to a real server, step by step."""
