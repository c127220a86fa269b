//! xtests
