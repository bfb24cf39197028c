//! Stage 6: graph in, Python source out.
