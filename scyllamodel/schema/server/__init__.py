"""What the connected server is and can do; the only place that asks which server it is."""
