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
start Xvfb "$DISPLAY" -screen 0 820x480x24 -nolisten tcp
until_true "a display" xdotool getdisplaygeometry
xsetroot -solid '#3b4252' 2>/dev/null || true

# A panel at the top with nothing but the tray.
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
        <value type="int" value="1"/><value type="int" value="2"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator"><property name="expand" type="bool" value="true"/><property name="style" type="uint" value="0"/></property>
    <property name="plugin-2" type="string" value="systray"/>
  </property>
</channel>
XML
# Notifications at the lower left: without a window manager nothing keeps them off the panel.
cat >"$XDG_CONFIG_HOME/xfce4/xfconf/xfce-perchannel-xml/xfce4-notifyd.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-notifyd" version="1.0">
  <property name="notify-location" type="uint" value="1"/>
  <property name="expire-timeout" type="int" value="60"/>
</channel>
XML
start xfce4-panel --disable-wm-check
notifyd="$(command -v xfce4-notifyd || ls /usr/lib/*/xfce4/notifyd/xfce4-notifyd 2>/dev/null | head -1)"
[ -z "$notifyd" ] || start "$notifyd"
until_true "a panel" watcher

cd "$TRAY_INSIDE/work"
# Programs that are installed here are nobody's business: what is used is told as Claude Code would tell it.
for agent in claude codex; do "$programs/betcode" config set "agents.$agent.command" "/nowhere/$agent" >/dev/null; done
"$programs/betcode" daemon start >/dev/null
use_plan() {
    printf '{"session_id":"s","model":{"display_name":"Opus"},"rate_limits":{"five_hour":{"used_percentage":%s,"resets_at":%s},"seven_day":{"used_percentage":41,"resets_at":%s}}}' \
        "$1" "$(($(date +%s) + 4810))" "$(($(date +%s) + 260000))" | "$programs/betcode" usage --statusline >/dev/null
}
icon_is_there() { watcher | grep -q StatusNotifierItem-; }
request_is_there() { "$programs/betcode" permission list --json | grep -q cargo; }
use_plan 68
start "$programs/betcode-tray"
until_true "the icon" icon_is_there
"$programs/betcode" -p --detach "/demo say text=Done" -n "Update the changelog" >/dev/null
"$programs/betcode" -p --detach --wait-for-permissions -n "Fix the parser" \
    '/demo permission tool=Bash command="cargo test --workspace"' >/dev/null
until_true "a request" request_is_there
use_plan 78
sleep 2
# Nothing says where the panel has put the icon: it is clicked from the right until there is a menu.
windows() { xdotool search --onlyvisible --class . 2>/dev/null | sort; }
before="$(windows)"
for x in $(seq 812 -6 600); do
    xdotool mousemove "$x" 16 click 3
    sleep 0.4
    if [ "$(windows | wc -l)" -gt "$(wc -l <<<"$before")" ]; then
        # The first line is the request: its menu has Allow and Deny.
        xdotool key Down Right
        sleep 0.6
        break
    fi
done
import -window root png:- | convert - -fill "#3b4252" -opaque "#000000" "$picture"
