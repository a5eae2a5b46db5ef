//! How the use of windows went: points of every window, written as they come and thinned now and then. What a window is, and
//! which points are worth keeping, others know.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::append::CommitError;
use super::reader::ReadError;
use super::{Store, queries};

/// Points of one window, in microseconds since the Unix epoch and percent.
pub(crate) type Points = Vec<(i64, f64)>;

impl Store {
    /// Adds a point to each of these windows, which are known by their names.
    pub async fn add_points(&self, points: Vec<(String, i64, f64)>) -> Result<(), CommitError> {
        self.change(Box::new(move |connection| {
            for (window, at, percent) in &points {
                let id = window_id(connection, window)?;
                insert(connection, id, (*at, *percent))?;
            }
            Ok(())
        }))
        .await
    }

    /// Puts these points in the place of all that a window has up to a moment.
    pub(crate) async fn replace_points(
        &self,
        window: String,
        up_to: i64,
        points: Points,
    ) -> Result<(), CommitError> {
        self.change(Box::new(move |connection| {
            let id = window_id(connection, &window)?;
            connection.execute(
                "DELETE FROM usage_points WHERE window = ?1 AND at_us <= ?2",
                [id, up_to],
            )?;
            for point in points {
                insert(connection, id, point)?;
            }
            Ok(())
        }))
        .await
    }

    /// The points of all windows from this moment on, each window's in order.
    pub(crate) async fn points_since(
        &self,
        since: i64,
    ) -> Result<Vec<(String, Points)>, ReadError> {
        self.inner
            .readers
            .read(move |connection| queries::points_since(connection, since))
            .await
    }
}

fn window_id(connection: &Connection, window: &str) -> rusqlite::Result<i64> {
    let known = connection
        .prepare_cached("SELECT id FROM usage_windows WHERE name = ?1")?
        .query_row([window], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    connection.execute("INSERT INTO usage_windows (name) VALUES (?1)", [window])?;
    Ok(connection.last_insert_rowid())
}

fn insert(connection: &Connection, window: i64, (at, percent): (i64, f64)) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO usage_points (window, at_us, percent) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![window, at, percent])?;
    Ok(())
}
