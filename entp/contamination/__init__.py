"""Contamination: do texts give evaluation items away? `items.py` reads the items, `index.py` looks texts up."""
