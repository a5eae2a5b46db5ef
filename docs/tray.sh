#!/usr/bin/env bash
# The picture of the tray in docs/tray.png, from a real panel with a real daemon: bash docs/tray.sh [FILE]
#
# Debian: apt-get install --no-install-recommends xvfb xfce4-panel xfce4-notifyd imagemagick xdotool dbus-x11 adwaita-icon-theme
# Nothing of your own desktop, settings or sessions is touched: everything has directories of its own.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
picture="$(realpath -m "${1:-$root/docs/tray.png}")"
programs="${BETCODE_PROGRAMS:-$root/target/debug}"

if [ -z "${TRAY_INSIDE:-}" ]; then
    for program in Xvfb xfce4-panel import xdotool dbus-run-session; do
        command -v "$program" >/dev/null || { echo "$program is missing, see the first lines of $0" >&2; exit 1; }
    done
    [ -n "${TRAY_BUILT:-}" ] || (cd "$root" && cargo build --quiet -p tray -p betcode-cli)
    place="$(mktemp -d /tmp/bctrayXXXXXX)"
    mkdir -m 700 "$place"/{home,config,run,state,work}
    # The bus starts programs of its own, which must have these, too.
    env -i PATH="$PATH" LANG=C.UTF-8 HOME="$place/home" XDG_CONFIG_HOME="$place/config" XDG_RUNTIME_DIR="$place/run" \
        BETCODE_CONFIG_DIR="$place/config/betcode" BETCODE_STATE_DIR="$place/state" BETCODE_AGENT=demo \
        BETCODE_PROGRAMS="$programs" TRAY_INSIDE="$place" \
        dbus-run-session -- bash "${BASH_SOURCE[0]}" "$picture"
    rm -rf "$place"
    exit
fi

started=()
at_end() {
    "$programs/betcode" daemon stop --agents >/dev/null 2>&1 || true
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
}
trap at_end EXIT
start() { "$@" >/dev/null 2>&1 & started+=($!); }
# until WHAT COMMAND: waits until a command succeeds.
until_true() {
    local what="$1" tries=200
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { echo "not in time: $what" >&2; exit 1; }
        sleep 0.1
    done
}
watcher() {
    gdbus call --session -d org.kde.StatusNotifierWatcher -o /StatusNotifierWatcher \
        -m org.freedesktop.DBus.Properties.Get org.kde.StatusNotifierWatcher RegisteredStatusNotifierItems
}

export DISPLAY=":$((80 + RANDOM % 100))" GDK_BACKEND=x11 NO_AT_BRIDGE=1
start Xvfb "$DISPLAY" -screen 0 900x420x24 -nolisten tcp
until_true "a display" xdotool getdisplaygeometry
xsetroot -solid '#3b4252' 2>/dev/null || true

# A panel at the top with nothing but a title and the tray.
mkdir -p "$XDG_CONFIG_HOME/xfce4/xfconf/xfce-perchannel-xml"
cat >"$XDG_CONFIG_HOME/xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="true"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/><property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/><property name="icon-size" type="uint" value="24"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/><value type="int" value="2"/><value type="int" value="3"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator"><property name="expand" type="bool" value="true"/><property name="style" type="uint" value="0"/></property>
    <property name="plugin-2" type="string" value="systray"/>
    <property name="plugin-3" type="string" value="clock"/>
  </property>
</channel>
XML
start xfce4-panel --disable-wm-check
notifyd="$(command -v xfce4-notifyd || ls /usr/lib/*/xfce4/notifyd/xfce4-notifyd 2>/dev/null | head -1)"
[ -z "$notifyd" ] || start "$notifyd"
until_true "a panel" watcher

cd "$TRAY_INSIDE/work"
"$programs/betcode" daemon start >/dev/null
[ -z "${TRAY_PREPARE:-}" ] || bash -c "$TRAY_PREPARE"
start "$programs/betcode-tray"
until_true "the icon" bash -c "$(declare -f watcher); watcher | grep -q StatusNotifierItem-"
"$programs/betcode" -p --detach "/demo say text=Done" -n "Update the changelog" >/dev/null
"$programs/betcode" -p --detach --wait-for-permissions -n "Fix the parser" \
    '/demo permission tool=Bash command="cargo test --workspace"' >/dev/null
until_true "a request" bash -c "'$programs/betcode' permission list --json | grep -q cargo"
sleep 3
item="$(watcher | grep -o 'org.kde.StatusNotifierItem-[0-9-]*' | head -1)"
gdbus call --session -d "$item" -o /StatusNotifierItem -m org.freedesktop.DBus.Properties.Get org.kde.StatusNotifierItem ToolTip
# The icon is beside the clock: the panel is asked where, by clicking from the right until a menu is there.
import -window root "$picture"
geometry() { xdotool search --onlyvisible --class xfce4-panel getwindowgeometry 2>/dev/null; }
before="$(geometry)"
for x in 885 870 855 840 825 810 795 780 765 750 735 720; do
    xdotool mousemove "$x" 16 click 3
    sleep 0.5
    if [ "$(gdbus_menu_open=1 geometry)" != "$before" ]; then
        import -window root "$picture.$x.png"
        xdotool key Escape
        sleep 0.3
    fi
done
