//! netmon
