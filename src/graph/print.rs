//! Stub: the text form, written.
