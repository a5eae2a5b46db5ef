//! The screen as what ratatui draws on. Drawing changes what is wanted, and nothing is written.

use std::convert::Infallible;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use super::Screen;

impl Backend for Screen {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Infallible>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            self.wanted.put(x, y, cell, self.abilities.depth);
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        self.cursor_wanted = false;
        Ok(())
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        self.cursor_wanted = true;
        Ok(())
    }

    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        Ok(self.cursor)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        self.cursor = position.into();
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Infallible> {
        self.wanted.clear();
        Ok(())
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), Infallible> {
        let (width, height) = (self.wanted.width(), self.wanted.height());
        let Position { x, y } = self.cursor;
        match clear_type {
            ClearType::All => self.wanted.clear(),
            ClearType::AfterCursor => {
                self.wanted.erase(y, x, width);
                (y.saturating_add(1)..height).for_each(|y| self.wanted.erase(y, 0, width));
            }
            ClearType::BeforeCursor => {
                (0..y.min(height)).for_each(|y| self.wanted.erase(y, 0, width));
                self.wanted.erase(y, 0, x.saturating_add(1));
            }
            ClearType::CurrentLine => self.wanted.erase(y, 0, width),
            ClearType::UntilNewLine => self.wanted.erase(y, x, width),
        }
        Ok(())
    }

    fn size(&self) -> Result<Size, Infallible> {
        Ok(Size::new(self.wanted.width(), self.wanted.height()))
    }

    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        Ok(WindowSize {
            columns_rows: Size::new(self.wanted.width(), self.wanted.height()),
            pixels: Size::ZERO,
        })
    }

    /// Nothing is written here: [`Screen::frame`] gives the bytes when they can be.
    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
