//! stub
use std::io::{self, Write};

use super::Render;

pub(crate) fn write(_: &Render<'_>, _: &mut dyn Write) -> io::Result<()> {
    Ok(())
}
