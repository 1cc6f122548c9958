//! A deadline on every call of a storage whose driver has none.
