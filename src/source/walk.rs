//! Reads the files under the roots: the only place that reads source text from the disk.
