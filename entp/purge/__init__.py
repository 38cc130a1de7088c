"""The symbolic half of the method: repair what can be repaired, reject noise by rule, keep one copy of each sample."""
