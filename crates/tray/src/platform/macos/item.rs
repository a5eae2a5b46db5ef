//! The icon in the menu bar, its menu and what is beside it. Only the main thread may touch it, so it is kept there.
//!
//! A menu that is open closes when another one takes its place; it takes its place only when something else stands in it. Every
//! item has a number that no other item ever had, so a click means what its label said, or nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tokio::sync::mpsc;
use tray_icon::menu::{IsMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu};
use tray_icon::{Icon, TrayIcon, TrayIconBuilder};

use crate::face::Face;
use crate::icon;
use crate::menu::Entry;
use crate::model::{Click, Msg, View};
use crate::platform::News;

/// As high as the menu bar shows an icon, on a screen with two pixels for one.
const SIZE: u32 = 36;

thread_local! {
    static ITEM: RefCell<Option<Item>> = const { RefCell::new(None) };
    static CLICKS: RefCell<Clicks> = const { RefCell::new(Clicks::new()) };
}

struct Item {
    icon: TrayIcon,
    view: View,
}

/// What the items of the menu mean, by their numbers.
struct Clicks {
    meant: BTreeMap<String, Click>,
    given: u64,
}

impl Clicks {
    const fn new() -> Self {
        Self {
            meant: BTreeMap::new(),
            given: 0,
        }
    }

    fn number(&mut self, click: Click) -> String {
        self.given += 1;
        let number = self.given.to_string();
        self.meant.insert(number.clone(), click);
        number
    }
}

/// Puts it into the menu bar.
pub(super) fn open(news: mpsc::UnboundedSender<News>, view: &View) -> Result<(), tray_icon::Error> {
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        let click = CLICKS.with_borrow(|clicks| clicks.meant.get(&event.id.0).cloned());
        if let Some(click) = click {
            // When nobody listens the program is ending.
            let _ending = news.send(News::Msg(Msg::Clicked(click)));
        }
    }));
    let mut builder = TrayIconBuilder::new()
        .with_id("betcode")
        .with_menu(Box::new(menu(&view.menu)))
        .with_tooltip(&view.tooltip);
    if let Some(picture) = picture(view.face) {
        builder = builder.with_icon(picture);
    }
    let icon = builder.build()?;
    icon.set_title(title(view.face));
    let view = view.clone();
    ITEM.set(Some(Item { icon, view }));
    Ok(())
}

/// Shows something else.
pub(super) fn show(view: &View, redraw: bool) {
    ITEM.with_borrow_mut(|item| {
        let Some(item) = item else { return };
        // What cannot be shown now is shown with the next change: nobody could do more about it.
        if redraw && let Some(picture) = picture(view.face) {
            let _as_before = item.icon.set_icon(Some(picture));
        }
        if view.face.gauge != item.view.face.gauge || view.face.sign != item.view.face.sign {
            item.icon.set_title(title(view.face));
        }
        if view.tooltip != item.view.tooltip {
            let _as_before = item.icon.set_tooltip(Some(&view.tooltip));
        }
        if view.menu != item.view.menu {
            item.icon.set_menu(Some(Box::new(menu(&view.menu))));
        }
        item.view = view.clone();
    });
}

/// Takes it away.
pub(super) fn close() {
    drop(ITEM.take());
}

fn picture(face: Face) -> Option<Icon> {
    let picture = icon::draw(&face, SIZE);
    Icon::from_rgba(picture.rgba, picture.size, picture.size).ok()
}

/// The number beside the icon, unless the icon has it.
fn title(face: Face) -> Option<String> {
    face.percent_beside().map(|percent| format!("{percent} %"))
}

/// The menu; from now on the numbers of the one before mean nothing.
fn menu(entries: &[Entry]) -> Menu {
    let menu = Menu::new();
    CLICKS.with_borrow_mut(|clicks| {
        clicks.meant.clear();
        fill(clicks, entries, &mut |item| {
            // An item that is made here belongs to no other menu, which is all that can be wrong with one.
            let _added = menu.append(item);
        });
    });
    menu
}

fn fill(clicks: &mut Clicks, entries: &[Entry], add: &mut dyn FnMut(&dyn IsMenuItem)) {
    for entry in entries {
        match entry {
            Entry::Separator => add(&PredefinedMenuItem::separator()),
            Entry::Line(text) => add(&MenuItem::new(label(text), false, None)),
            Entry::Item(text, click) => {
                let number = clicks.number(click.clone());
                add(&MenuItem::with_id(number, label(text), true, None));
            }
            Entry::Sub(text, entries) => {
                let sub = Submenu::new(label(text), true);
                fill(clicks, entries, &mut |item| {
                    let _added = sub.append(item);
                });
                add(&sub);
            }
        }
    }
}

/// There an ampersand would mark a key.
fn label(text: &str) -> String {
    text.replace('&', "&&")
}
