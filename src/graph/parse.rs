//! Stub: the text form, read.
