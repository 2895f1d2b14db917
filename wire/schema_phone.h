/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of a phone say to each other; the form of a line is in schema_relay.h.
 *
 *     launcher <-- launch_* process_gone -->  agent
 *     agent    <-- link_* beat_* -->       link
 *     agent    <-- voice_* ring_* -->      voice, ringer
 *     voice    <-- datagrams (schema_relay.h) -->  link
 *
 * Times are those of os/clock.h, which all processes of one machine share. Only the agent speaks for the
 * person: nothing in this file that link, voice or ringer may send starts a process, opens a device or
 * changes what the phone is.
 */
#ifndef WIRE_SCHEMA_PHONE_H
#define WIRE_SCHEMA_PHONE_H

#include "wire/limits.h"

/* S(family, name, number, words) */
#define WIRE_PHONE_STRUCTURES(S) \
	S(PART, link_to, 0, "One address of a relay") \
	S(PART, link_with, 0, "One access key") \
	S(PART, voice_frame, 0, "Inside a sealed frame, from one voice process to the other") \
	S(PHONE, launch, 1, \
	  "Agent to launcher: start voice or ringer; a key press or a ring asks") \
	S(PHONE, launched, 2, \
	  "Launcher to agent: it runs; channels beside this: to it, and for voice the link's end " \
	  "of media") \
	S(PHONE, process_gone, 3, "Launcher to agent: it could not be started") \
	S(PHONE, process_ready, 5, "Any process, first of all: it is in its sandbox") \
	S(PHONE, link_configure, 16, "Agent to link: where to connect, and with what") \
	S(PHONE, link_stop, 17, "Agent to link: disconnect") \
	S(PHONE, link_status, 18, "Link to agent: how the link stands") \
	S(PHONE, link_request, 19, "Agent to link: a request for the relay") \
	S(PHONE, link_reply, 20, "Link to agent: one whole message of the answer") \
	S(PHONE, link_end, 21, "Link to agent: no more will come of a request") \
	S(PHONE, link_cancel, 22, "Agent to link: no more is wanted of a request") \
	S(PHONE, link_media, 23, \
	  "Agent to link: the voice process' end of the media channel is beside this") \
	S(PHONE, beat_start, 24, \
	  "Agent to link: a packet each 20 ms from now on, random ones if need be") \
	S(PHONE, beat_stop, 25, "Agent to link: no more packets") \
	S(PHONE, voice_prepare, 32, \
	  "Agent to voice: connect to sound; WAV files come beside this") \
	S(PHONE, voice_prepared, 33, \
	  "Voice to agent: in its sandbox, ready for streams, or why not") \
	S(PHONE, voice_start, 34, "Agent to voice: keys; capture and playback begin") \
	S(PHONE, voice_keys, 35, "Agent to voice: a further epoch to receive with") \
	S(PHONE, voice_room, 36, "Agent to voice: the link's index of an epoch's room") \
	S(PHONE, voice_switch, 37, "Agent to voice: send with this epoch's keys from now on") \
	S(PHONE, voice_drop, 38, "Agent to voice: forget this epoch") \
	S(PHONE, voice_sender, 39, "Agent to voice: take frames with this KID") \
	S(PHONE, voice_stop, 40, "Agent to voice: the call is over; report and end") \
	S(PHONE, voice_checked, 41, "Voice to agent: both ends compared their check values") \
	S(PHONE, voice_report, 42, \
	  "Voice to agent: what happened so far; each second and at the end") \
	S(PHONE, ring_start, 48, "Agent to ringer: ring") \
	S(PHONE, ring_stop, 49, "Agent to ringer: be quiet and end")

#define WIRE_FIELDS_link_to(X, self) \
	X(self, FIXED, ip, 16, none, "IPv6, or IPv4 as ::ffff:a.b.c.d") \
	X(self, U32, scope, 0, none, "interface of a link-local address, else 0") \
	X(self, U16, port, 0, none, "UDP port")

#define WIRE_FIELDS_link_with(X, self) \
	X(self, U8, kind, 0, none, "1 claim, 2 porch, 3 access") \
	X(self, U64, number, 0, none, "of an access key") \
	X(self, FIXED, secret, WIRE_KEY_LEN, none, "the key")

#define WIRE_FIELDS_voice_frame(X, self) \
	X(self, FIXED, check, 16, none, "of the sender's keys, ledger and policy") \
	X(self, U32, stamp_us, 0, none, "the sender's clock when it was sealed, modulo 2^32") \
	X(self, U32, echo_us, 0, none, "the newest stamp that came from the other end") \
	X(self, U32, echo_age_us, 0, none, "how long ago it came; all ones: none came yet") \
	X(self, OPAQUE, audio, 255, none, "percent that this end misses, then 60 bytes of Opus")

#define WIRE_FIELDS_launch(X, self)	  X(self, U8, process, 0, none, "1 voice, 2 ringer")

#define WIRE_FIELDS_launched(X, self)	  X(self, U8, process, 0, none, "1 voice, 2 ringer, 3 link")

#define WIRE_FIELDS_process_gone(X, self) X(self, U8, process, 0, none, "1 voice, 2 ringer, 3 link")

#define WIRE_FIELDS_process_ready(X, self) \
	X(self, OPAQUE, sandbox, WIRE_SANDBOX_TEXT_MAX, none, "what is in force, in words")

#define WIRE_FIELDS_link_configure(X, self) \
	X(self, FIXED, relay_key, WIRE_KEY_LEN, none, "Ed25519 public key of the relay") \
	X(self, FIXED, network, WIRE_HASH_LEN, none, "network id; zeros before founding") \
	X(self, U64, clock_offset_ms, 0, none, "relay's clock minus ours, two's complement") \
	X(self, LIST, addresses, 8, link_to, "of the relay") \
	X(self, LIST, keys, 4, link_with, "the best first")

#define WIRE_FIELDS_link_stop(X, self) X(self, U8, reserved, 0, none, "0")

#define WIRE_FIELDS_link_status(X, self) \
	X(self, U8, state, 0, none, "0 stopped, 1 connecting, 2 proving, 3 up") \
	X(self, U8, reason, 0, none, "of the newest failure: the order of enum link_reason") \
	X(self, U8, kind, 0, none, "of the key that opened the link") \
	X(self, U64, number, 0, none, "of that key") \
	X(self, U64, clock_offset_ms, 0, none, "relay's clock minus ours, two's complement") \
	X(self, U64, rtt_ns, 0, none, "smoothed round trip; 0: not measured yet") \
	X(self, U64, migrations, 0, none, "changes of path since the link came up") \
	X(self, U64, retry_ns, 0, none, "connecting: when the next attempt starts") \
	X(self, FIXED, exporter, WIRE_EXPORTER_LEN, none, "TLS exporter of the link that is up")

#define WIRE_FIELDS_link_request(X, self) \
	X(self, U64, ticket, 0, none, "names the request") \
	X(self, REST, message, WIRE_MESSAGE_MAX, none, "as it goes to the relay")

#define WIRE_FIELDS_link_reply(X, self) \
	X(self, U64, ticket, 0, none, "of the request") \
	X(self, U8, last, 0, none, "1: the answer is complete") \
	X(self, REST, message, WIRE_MESSAGE_MAX, none, \
	  "one message as it came; empty: only last counts")

#define WIRE_FIELDS_link_end(X, self) \
	X(self, U64, ticket, 0, none, "of the request") \
	X(self, U8, why, 0, none, "the order of enum link_stream_end")

#define WIRE_FIELDS_link_cancel(X, self) X(self, U64, ticket, 0, none, "of the request")

#define WIRE_FIELDS_link_media(X, self)	 X(self, U8, reserved, 0, none, "0")

#define WIRE_FIELDS_beat_start(X, self) \
	X(self, U8, room, 0, none, "the link's index of the room") \
	X(self, U16, payload_len, 0, none, "of every datagram's payload") \
	X(self, U64, phase_ns, 0, none, "packets leave at this time plus whole multiples of 20 ms")

#define WIRE_FIELDS_beat_stop(X, self) X(self, U8, reserved, 0, none, "0")

#define WIRE_FIELDS_voice_prepare(X, self) \
	X(self, U8, mic_file, 0, none, "1: the first descriptor is a WAV file to speak from") \
	X(self, U8, speaker_file, 0, none, "1: the next descriptor is a WAV file to write")

#define WIRE_FIELDS_voice_prepared(X, self) \
	X(self, U8, failed, 0, none, "1: there is no sound, and this process ends") \
	X(self, OPAQUE, words, WIRE_SANDBOX_TEXT_MAX, none, "the sandbox in force, or why not")

#define WIRE_FIELDS_voice_start(X, self) \
	X(self, U64, epoch, 0, none, "of the conversation") \
	X(self, FIXED, base_key, WIRE_KEY_LEN, none, "SFrame base key of this call and epoch") \
	X(self, FIXED, check, 16, none, "to compare with the other end, inside the frames") \
	X(self, U64, kid, 0, none, "this process' own") \
	X(self, U8, room, 0, none, "the link's index of the room; 255: not joined yet") \
	X(self, U16, payload_len, 0, none, "of every datagram's payload") \
	X(self, U64, phase_ns, 0, none, \
	  "the link's packets leave at this time plus multiples of 20 ms")

#define WIRE_FIELDS_voice_keys(X, self) \
	X(self, U64, epoch, 0, none, "of the conversation") \
	X(self, FIXED, base_key, WIRE_KEY_LEN, none, "SFrame base key of this call and epoch") \
	X(self, FIXED, check, 16, none, "to compare with the other end, inside the frames")

#define WIRE_FIELDS_voice_room(X, self) \
	X(self, U64, epoch, 0, none, "of the conversation") \
	X(self, U8, room, 0, none, "the link's index of the room; 255: not joined")

#define WIRE_FIELDS_voice_switch(X, self) X(self, U64, epoch, 0, none, "of the conversation")

#define WIRE_FIELDS_voice_drop(X, self)	  X(self, U64, epoch, 0, none, "of the conversation")

#define WIRE_FIELDS_voice_sender(X, self) \
	X(self, U64, kid, 0, none, "of the other end, in whatever epoch its low byte says") \
	X(self, U16, slot, 0, none, "the slot that its frames must come from") \
	X(self, U8, slot_known, 0, none, "0: from any slot")

#define WIRE_FIELDS_voice_stop(X, self)	   X(self, U8, reserved, 0, none, "0")

#define WIRE_FIELDS_voice_checked(X, self) X(self, U8, equal, 0, none, "1: they are the same")

#define WIRE_FIELDS_voice_report(X, self) \
	X(self, U8, last, 0, none, "1: the process ends") \
	X(self, U64, packets_sent, 0, none, "frames sealed") \
	X(self, U64, packets_received, 0, none, "frames opened, without duplicates") \
	X(self, U64, packets_lost, 0, none, "never came") \
	X(self, U64, packets_refused, 0, none, "did not open, unknown KID, wrong slot, replayed") \
	X(self, U64, concealed_ms, 0, none, "played without a packet") \
	X(self, U32, late_ms_p99, 0, none, "arrival after the playout time it was meant for") \
	X(self, U64, first_sound_ns, 0, none, "when the first frame opened; 0: none yet") \
	X(self, U64, last_sound_ns, 0, none, "when the newest frame opened") \
	X(self, U32, round_trip_us, 0, none, "between the two voice processes; 0: not measured") \
	X(self, U32, capture_ms, 0, none, "from sound to encoder; all ones: not measured") \
	X(self, U32, encode_ms, 0, none, "the encoder's look-ahead") \
	X(self, U32, jitter_buffer_ms, 0, none, \
	  "from arrival to decoding; all ones: not measured") \
	X(self, U32, decode_us, 0, none, "what decoding takes; 0: not measured") \
	X(self, U32, playout_ms, 0, none, "in the device; all ones: not measured")

#define WIRE_FIELDS_ring_start(X, self) X(self, U8, reserved, 0, none, "0")

#define WIRE_FIELDS_ring_stop(X, self)	X(self, U8, reserved, 0, none, "0")

#endif
