//! Pins: what they refuse, what they only report, and that nobody gets past them.

use super::*;

/// The genuine authorities, and somebody in between whom the machine trusts.
struct World {
    root: Authority,
    between: Authority,
    company: Authority,
}

impl World {
    fn new() -> Self {
        let root = Authority::root("Genuine Root");
        let between = root.below("Genuine Between");
        let company = Authority::root("Company Inspection");
        Self {
            root,
            between,
            company,
        }
    }

    fn genuine(&self) -> Identity {
        self.between.server(HOST, &[&self.between])
    }

    fn setup(&self) -> Setup {
        Setup::trusting(&self.root).also_trusting(&self.company)
    }
}

fn nobodys() -> Pin {
    Pin::of(b"a key that is kept in a drawer")
}

#[tokio::test]
async fn one_pinned_key_anywhere_on_the_verified_path_is_enough() {
    let world = World::new();
    let identity = world.genuine();
    let own = identity.pin;
    let server = https(identity, GOOD).await;
    for pin in [own, world.between.pin(), world.root.pin()] {
        for pins in [[pin, nobodys()], [nobodys(), pin]] {
            for pinning in [Pinning::Report, Pinning::Enforce] {
                let setup = world.setup().pinned(pinning, &pins);
                let reply = outcome(&setup, &server).await.unwrap();
                assert_eq!(reply.sight.pins, PinState::Met(pin));
                let seen: Vec<_> = reply.sight.keys.iter().map(|key| key.pin).collect();
                assert_eq!(seen, [own, world.between.pin(), world.root.pin()]);
            }
        }
    }
}

#[tokio::test]
async fn without_a_pinned_key_enforce_refuses_and_names_the_key_and_report_lets_it_pass() {
    let world = World::new();
    let pins = [nobodys(), Pin::of(b"another")];
    let server = https(world.genuine(), GOOD).await;
    let enforced = world.setup().pinned(Pinning::Enforce, &pins);
    let issuer = issuer(outcome(&enforced, &server).await);
    assert!(issuer.contains("Genuine Between"), "{issuer}");
    assert!(
        issuer.contains(&world.between.pin().to_string()),
        "{issuer}"
    );
    assert_eq!(server.heard.all(), Vec::<String>::new());

    let reported = world.setup().pinned(Pinning::Report, &pins);
    let reply = outcome(&reported, &server).await.unwrap();
    assert_eq!(reply.sight.pins, PinState::Reported { expired: false });
    assert_eq!(reply.sight.authority().unwrap().pin, world.between.pin());

    let off = world.setup().pinned(Pinning::Off, &pins);
    let reply = outcome(&off, &server).await.unwrap();
    assert_eq!(reply.sight.pins, PinState::Off);
}

#[tokio::test]
async fn somebody_in_between_whom_the_machine_trusts_is_refused_where_pins_are_enforced() {
    let world = World::new();
    let pins = [world.root.pin(), world.between.pin()];
    let server = https(world.company.server(HOST, &[]), GOOD).await;
    let enforced = world.setup().pinned(Pinning::Enforce, &pins);
    assert!(
        issuer(outcome(&enforced, &server).await).starts_with("Company Inspection, whose key ")
    );
    assert_eq!(server.heard.all(), Vec::<String>::new());
    let reported = world.setup().pinned(Pinning::Report, &pins);
    let sight = outcome(&reported, &server).await.unwrap().sight;
    assert!(sight.pins.is_missed());
    assert_eq!(sight.issuer, "Company Inspection");
}

#[tokio::test]
async fn genuine_certificates_appended_to_a_chain_of_somebody_else_do_not_count() {
    let world = World::new();
    let below = world.company.below("Company Below");
    let pins = [world.root.pin(), world.between.pin()];
    let genuine_own = world.genuine();
    let mut pins_with_own = pins.to_vec();
    pins_with_own.push(genuine_own.pin);
    for mut identity in [
        world.company.server(HOST, &[&world.root]),
        world.company.server(HOST, &[&world.between, &world.root]),
        world
            .company
            .server(HOST, &[&world.root, &world.between, &world.company]),
        below.server(HOST, &[&below, &world.between, &world.root]),
        below.server(HOST, &[&world.root, &below]),
    ] {
        identity.chain.push(genuine_own.chain[0].clone());
        let server = https(identity, GOOD).await;
        let enforced = world.setup().pinned(Pinning::Enforce, &pins_with_own);
        assert!(issuer(outcome(&enforced, &server).await).starts_with("Company "));
        assert_eq!(server.heard.all(), Vec::<String>::new());
        let reported = world.setup().pinned(Pinning::Report, &pins_with_own);
        let sight = outcome(&reported, &server).await.unwrap().sight;
        assert!(sight.pins.is_missed(), "{sight:?}");
        let on_path: Vec<_> = sight.keys.iter().map(|key| key.pin).collect();
        assert!(!on_path.iter().any(|pin| pins_with_own.contains(pin)));
    }
}

#[tokio::test]
async fn an_authority_with_the_genuine_name_and_another_key_does_not_count() {
    let world = World::new();
    let double = world.company.below("Genuine Root");
    let pins = [world.root.pin(), world.between.pin()];
    let server = https(double.server(HOST, &[&double, &world.root]), GOOD).await;
    let enforced = world.setup().pinned(Pinning::Enforce, &pins);
    issuer(outcome(&enforced, &server).await);
    assert_eq!(server.heard.all(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_that_pins_say_makes_an_untrusted_certificate_good() {
    let world = World::new();
    let stranger = Authority::root("Stranger");
    for pinning in [Pinning::Off, Pinning::Report, Pinning::Enforce] {
        let identity = stranger.server(HOST, &[&stranger, &world.root]);
        // Even its own key and its authority's are pinned.
        let pins = [identity.pin, stranger.pin(), world.root.pin()];
        let server = https(identity, GOOD).await;
        let setup = world.setup().pinned(pinning, &pins);
        assert_eq!(issuer(outcome(&setup, &server).await), "Stranger");
        assert_eq!(server.heard.all(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_pinned_key_on_the_second_of_two_paths_is_found() {
    let (old, new) = (Authority::root("Old"), Authority::root("New"));
    let by_old = old.below("Between");
    let by_new = new.also_for("Between", &by_old);
    let setup = |pin| {
        let setup = Setup::trusting(&old).also_trusting(&new);
        setup.pinned(Pinning::Enforce, &[pin, nobodys()])
    };
    for chain in [[&by_old, &by_new], [&by_new, &by_old]] {
        let server = https(by_old.server(HOST, &chain), GOOD).await;
        for root in [&old, &new] {
            let reply = outcome(&setup(root.pin()), &server).await.unwrap();
            assert_eq!(reply.sight.pins, PinState::Met(root.pin()));
            assert_eq!(reply.sight.keys.last().unwrap().pin, root.pin());
        }
    }
}

#[tokio::test]
async fn after_their_last_day_pins_only_report() {
    let world = World::new();
    let server = https(world.genuine(), GOOD).await;
    let mut setup = world
        .setup()
        .pinned(Pinning::Enforce, &[nobodys(), Pin::of(b"x")]);
    for (until, passes) in [("2001-01-01", true), ("4000-01-01", false)] {
        setup.config.pins_until = until.parse().ok();
        let result = outcome(&setup, &server).await;
        assert_eq!(result.is_ok(), passes, "{result:?}");
        if let Ok(reply) = result {
            assert_eq!(reply.sight.pins, PinState::Reported { expired: true });
        }
    }
}

#[test]
fn pins_without_a_last_day_and_enforcement_without_pins_are_refused() {
    let world = World::new();
    let mut setup = world
        .setup()
        .pinned(Pinning::Report, &[nobodys(), Pin::of(b"x")]);
    setup.config.pins_until = None;
    let problem = setup.try_client().unwrap_err();
    assert_eq!(problem, ConfigProblem::NoLastDay);
    assert!(problem.to_string().contains("usage.pins_until"));
    setup.config.pinning = Pinning::Off;
    setup.client();
    let setup = world.setup().pinned(Pinning::Enforce, &[]);
    assert_eq!(setup.try_client().unwrap_err(), ConfigProblem::NoPins);
    world.setup().pinned(Pinning::Report, &[]).client();
}
