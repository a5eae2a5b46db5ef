//! The icon in the panel. The panel asks for what it shows; whatever is clicked goes to the loop as it is.

use ksni::menu::{StandardItem, SubMenu};
use ksni::{Category, Icon, MenuItem, OfflineReason, ToolTip, Tray};
use tokio::sync::mpsc;

use crate::icon::Picture;
use crate::menu::Entry;
use crate::model::{Click, Msg, View};
use crate::platform::News;
use crate::text::{label, markup};

/// What the panel sees.
pub(super) struct Item {
    view: View,
    icons: Vec<Icon>,
    news: mpsc::UnboundedSender<News>,
}

impl Item {
    pub(super) fn new(view: View, pictures: &[Picture], news: mpsc::UnboundedSender<News>) -> Self {
        Self {
            view,
            icons: icons(pictures),
            news,
        }
    }

    pub(super) fn become_(&mut self, view: View, pictures: Option<Vec<Picture>>) {
        self.view = view;
        if let Some(pictures) = pictures {
            self.icons = icons(&pictures);
        }
    }

    fn click(&self, click: Click) {
        self.tell(News::Msg(Msg::Clicked(click)));
    }

    fn tell(&self, news: News) {
        // When nobody listens the program is ending.
        let _ending = self.news.send(news);
    }
}

impl Tray for Item {
    fn id(&self) -> String {
        "betcode".to_owned()
    }

    fn category(&self) -> Category {
        Category::ApplicationStatus
    }

    fn title(&self) -> String {
        "BetCode".to_owned()
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        self.icons.clone()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip {
            // Panels read marks in both.
            title: markup(&self.view.tooltip).into_owned(),
            ..ToolTip::default()
        }
    }

    fn activate(&mut self, _: i32, _: i32) {
        self.click(Click::Dashboard);
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        // Another list of requests has another structure: then the panel gets new numbers for every item, and a click on what
        // stood there before hits nothing.
        let hidden = if self.view.turn { 2 } else { 1 };
        let mut menu: Vec<MenuItem<Self>> =
            std::iter::repeat_with(invisible).take(hidden).collect();
        menu.extend(self.view.menu.iter().map(entry));
        menu
    }

    fn watcher_offline(&self, _: OfflineReason) -> bool {
        self.tell(News::NoPanel);
        true
    }
}

fn invisible<T>() -> MenuItem<T> {
    StandardItem {
        visible: false,
        enabled: false,
        ..StandardItem::default()
    }
    .into()
}

fn entry(entry: &Entry) -> MenuItem<Item> {
    match entry {
        Entry::Separator => MenuItem::Separator,
        Entry::Line(text) => StandardItem {
            label: label(text),
            enabled: false,
            ..StandardItem::default()
        }
        .into(),
        Entry::Item(text, click) => {
            let click = click.clone();
            StandardItem {
                label: label(text),
                activate: Box::new(move |item: &mut Item| item.click(click.clone())),
                ..StandardItem::default()
            }
            .into()
        }
        Entry::Sub(text, entries) => SubMenu {
            label: label(text),
            submenu: entries.iter().map(self::entry).collect(),
            ..SubMenu::default()
        }
        .into(),
    }
}

/// The panel wants alpha first.
fn icons(pictures: &[Picture]) -> Vec<Icon> {
    let icon = |picture: &Picture| {
        let side = i32::try_from(picture.size).unwrap_or(0);
        let mut data = picture.rgba.clone();
        for pixel in data.chunks_exact_mut(4) {
            pixel.rotate_right(1);
        }
        Icon {
            width: side,
            height: side,
            data,
        }
    };
    pictures.iter().map(icon).collect()
}
