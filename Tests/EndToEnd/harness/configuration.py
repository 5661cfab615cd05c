"""webrtcgateway.ini for one gateway."""

from .ports import free_neighbours, free_port

MANAGED = 8  # front doors, and as many workers, that find a management address

LOOPS = 2  # of each front door, which deals new connections out to them in turn


def configuration(folder, janus, slots, settings):
    """The file's text. `settings` ({section: {key: value}}) adds to and wins over what every test wants."""
    management = [free_neighbours(MANAGED) for _ in range(2)]
    doors, workers = (f"127.0.0.1:{first}-{first + MANAGED - 1}" for first in management)
    sections = {
        "General": {
            "web_origins": "*", "sip_domains": "*", "trust_claimed_accounts": "yes",
            "recording_dir": folder / "recordings", "state_dir": folder / "state", "log_level": "debug",
            "http_management_interface": f"127.0.0.1:{free_port()}",
        },
        "Deployment": {"id": "test", "node": "host1"},
        "Frontdoor": {"loops": LOOPS, "management": doors},
        "Worker": {"slots": slots, "management": workers},
        "Bus": {"directory": folder / "bus"},
        "Registry": {"path": folder / "registry.sqlite"},
        "Janus": {
            "api_url": janus.api_url, "api_secret": janus.api_secret,
            "admin_url": janus.admin_url, "admin_secret": janus.admin_secret,
            "video_codec": "vp8,vp9,h264", "max_publishers": 20,
        },
    }
    for section, keys in settings.items():
        sections.setdefault(section, {}).update(keys)
    lines = []
    for section, keys in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {value}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"
