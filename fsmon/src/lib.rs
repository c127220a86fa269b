//! fsmon
