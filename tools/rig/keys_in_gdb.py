# SPDX-License-Identifier: Apache-2.0
"""Runs inside gdb, attached to a process of sotto: says which secret keys it holds, by their place in its structures.

Prints one line "KEYS {name: hex}" and keeps the process stopped until a line comes in, so that its memory can be
looked at as it was. Which structures: the convenience variable $role (agent, voice, link, store).
"""
import json
import sys

import gdb  # pylint: disable=import-error

SFRAME_KEY_LEN = 32

FOUND = {}


def memory(address, length):
    return bytes(gdb.selected_inferior().read_memory(int(address), int(length)))


def put(name, content):
    """What is all zeros is not in use."""
    if any(content):
        FOUND[name] = content.hex()


def put_array(name, value):
    put(name, memory(value.address, value.type.sizeof))


def put_secret(name, value):
    put(name, memory(value["data"].address, value["len"]))


def secrets_within(name, value):
    """Every struct secret inside a structure, arrays of them included; no pointer is followed."""
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_ARRAY:
        for i in range(kind.range()[0], kind.range()[1] + 1):
            secrets_within(f"{name}[{i}]", value[i])
    elif kind.code == gdb.TYPE_CODE_STRUCT:
        if kind.tag == "secret":
            put_secret(name, value)
            return
        for field in kind.fields():
            if field.name and field.type.strip_typedefs().code in (gdb.TYPE_CODE_STRUCT,
                                                                   gdb.TYPE_CODE_ARRAY):
                secrets_within(f"{name}.{field.name}", value[field.name])


def elements(head, tag):
    """Of a struct list whose elements are struct tag, which begin with their place in it."""
    kind = gdb.lookup_type(f"struct {tag}")
    offset = [f.bitpos // 8 for f in kind.fields() if f.name == "list"][0]
    here = head["next"]
    while here != head.address:
        yield gdb.Value(int(here) - offset).cast(kind.pointer()).dereference()
        here = here["next"]


def variable(name):
    """A variable of any frame of the main thread, wherever it waits."""
    gdb.execute("thread 1", to_string=True)
    frame = gdb.newest_frame()
    while frame is not None:
        try:
            return frame.read_var(name)
        except (ValueError, RuntimeError):
            frame = frame.older()
    raise gdb.GdbError(f"no variable {name}")


def ratchets(name, epoch):
    """The ratchets of a secret tree that are set: u32 generation, secret; two a leaf."""
    tree = epoch["secret_tree"]
    if int(tree["block"]) == 0:
        return
    hash_len = 0
    for field in ("exporter", "sender_data", "resumption"):
        hash_len = hash_len or int(epoch["secrets"][field]["len"])
    for leaf in range(int(tree["width"])):
        if not int(tree["ratchet_bits"][leaf // 8]) >> leaf % 8 & 1:
            continue
        for kind in range(2):
            at = int(tree["ratchets"]) + (2 * leaf + kind) * (4 + hash_len)
            put(f"{name}.ratchet[{leaf}][{kind}]", memory(at + 4, hash_len))


def epochs(name, group):
    mls = group["mls"]
    if int(mls) == 0:
        return
    held = [mls["epoch"]] + [mls["past"][i] for i in range(int(mls["past_count"]))]
    for epoch in held:
        place = f"{name} epoch {int(epoch['number'])}"
        secrets_within(place, epoch.dereference())
        ratchets(place, epoch)


def conversations(talk):
    for group in elements(talk["groups"], "talk_group"):
        name = f"conversation: group {int(group['number'])}"
        epochs(name, group)
        for i in range(int(group["drop_count"])):
            put_array(f"{name} record key {i}", group["drops"][i]["record_key"])


def agent():
    state = gdb.parse_and_eval("'agent_main.c'::main::agent")
    talk = state["talk"].dereference()
    secrets_within("person: identity", talk["identity"])
    put_array("person: rotation_seed", talk["rotation_seed"])
    for invitation in elements(talk["invites"], "talk_invite_row"):
        put_array(f"person: invitation {int(invitation['extension'])}", invitation["private_key"])
    for package in elements(talk["packages"], "talk_package"):
        secrets_within(f"person: key package {int(package['number'])}", package["secrets"])
    for i in range(int(talk["access_count"])):
        put_array(f"conversation: access secret {i}", talk["access"][i]["secret"])
    conversations(talk)
    keys = state["vault"]["keys"].dereference()
    put_array("vault: meta", keys["meta"])
    for domain in range(2):
        for name in ("value", "owner", "wrap", "erasure"):
            put_array(f"vault: {name} {domain}", keys["domain"][domain][name])
    # The folder os/ has a struct call, too.
    place = gdb.lookup_global_symbol("call_create").symtab.static_block()
    engine = state["call"]["engine"].cast(gdb.lookup_type("struct call", place).pointer())
    if int(engine) != 0:
        put_array("call: random", engine["id_random"])
        for i in range(2):
            put_array(f"call: base key {i}", engine["rooms"][i]["keys"]["base_key"])


def voice():
    process = gdb.parse_and_eval("'voice_main.c'::main::process")
    put("call: SFrame sender", memory(process["sender"]["key"]["key"].address, SFRAME_KEY_LEN))
    for i in range(2):
        put_array(f"call: base key {i}", process["epochs"][i]["base_key"])


def link():
    """What it may have, and all that it has: what comes out of access keys."""
    process = gdb.parse_and_eval("'link_main.c'::main::process")
    client = process["client"].dereference()
    for i in range(int(client["config"]["key_count"])):
        put_array(f"access: PSK {i}", client["secrets"][i]["psk"])


def store():
    put_array("relay: seed", variable("process")["seed"])


{"agent": agent, "voice": voice, "link": link, "store": store}[gdb.parse_and_eval("$role").string()]()
print("KEYS " + json.dumps(FOUND), flush=True)
sys.stdin.readline()
