"""Kernels: arrays in, arrays out; no frames, no names of columns."""
