//! The pipeline on modules that nobody wrote, and with several migrations.

mod hits;
mod lanes;
mod links;
mod modules;
mod properties;
