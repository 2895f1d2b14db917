/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent of a phone: it has the keys, the vault and the conversations, and no way to the network.
 *
 *	commands --lines of JSON--> agent_control.c --> command_*.c --+
 *	link process --ipc--> agent_link.c ---------------------------+--> talk, call --> agent_step.c
 *	voice process --ipc--> agent_voice.c -------------------------+        |
 *	                                                                       v
 *	          vault (durable first), then requests to link, events to who waits, the next deadline
 *
 * docs/control.md describes the socket.
 */
#ifndef PHONE_AGENT_H
#define PHONE_AGENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/list.h"
#include "call/call.h"
#include "os/file.h"
#include "os/ipc.h"
#include "os/lines.h"
#include "os/loop.h"
#include "os/sandbox.h"
#include "phone/processes.h"
#include "talk/admins.h"
#include "vault/vault.h"
#include "wire/relay_name.h"
#include "wire/wire.h"

#define AGENT_CLIENTS_MAX    64	   /* commands at the same time */
#define AGENT_REQUESTS_MAX   16	   /* of the agent itself: rooms */
#define AGENT_IDLE_MS	     60000 /* a connection without a command is closed */
#define AGENT_RELOAD_MS	     5000  /* after a full disk: try again */
#define AGENT_SEND_WAIT_MS   10000 /* a sent message that is not stored by then is reported queued */
#define AGENT_PASSPHRASE_MAX VAULT_PASSPHRASE_LEN_MAX
#define AGENT_TROUBLE_LEN    256 /* of the words about a link, with their end */
#define AGENT_CALL_PAYLOAD_LEN \
	160 /* every datagram of a call: SFrame header, frame, tag, padding */

/* Tickets of the agent's own requests; talk counts from below. */
#define AGENT_TICKET_FIRST (UINT64_C(1) << 63)

/* What a command waits for before its last line. */
enum agent_wait {
	AGENT_WAIT_NONE = 0,
	AGENT_WAIT_FOUND,	/* to be a member */
	AGENT_WAIT_JOIN,	/* likewise, saying what it waits for */
	AGENT_WAIT_INVITE,	/* for the invitation of an extension */
	AGENT_WAIT_INVITE_MANY, /* for those of many */
	AGENT_WAIT_REVOKE,	/* for a member's revocation to stand in the ledger */
	AGENT_WAIT_ADMINS,	/* for another list of admins, or a proposal */
	AGENT_WAIT_SUSPEND,	/* for a member to be suspended, or a proposal */
	AGENT_WAIT_CONFIRM,	/* for a member to be confirmed */
	AGENT_WAIT_POLICY,	/* for another policy, or a proposal */
	AGENT_WAIT_TERM,	/* for the end of a membership, or a proposal */
	AGENT_WAIT_RELEASE,	/* for an entry to name a release, or a proposal */
	AGENT_WAIT_SEND,	/* for a message to be stored */
	AGENT_WAIT_GROUP,	/* for what is wanted of a group to be so */
	AGENT_WAIT_DEVICE_ASKS, /* for a phone to show our card */
	AGENT_WAIT_DEVICE_IN,	/* for a further device to stand in the ledger */
	AGENT_WAIT_DEVICE_OUT,	/* for its end to stand there */
	AGENT_WAIT_READ,	/* to take what it was sent, before it is sent more */
	AGENT_WAIT_FOLLOW,	/* for messages, until the client leaves */
	AGENT_WAIT_RING,	/* answer --wait: for a call to come */
	AGENT_WAIT_CALL,	/* for the end of the call that this client started or answered */
};

struct agent;

/* How far a client has read; a history may be longer than what may wait for it. */
struct agent_reading {
	size_t cursor; /* of the conversations */
	struct talk_conversation conversation;
	bool under_way; /* this one is */
	bool begun;	/* its last_row is known */
	uint64_t last_row;
	struct talk_history history; /* of what is being sent */
	size_t next;		     /* in it */
	bool only_new;
	bool follow;  /* afterwards */
	bool leaves;  /* what was sent does not count as read */
	char *wanted; /* only what contains this, in lower case; to be freed; NULL: all */
	bool one;     /* only this conversation: */
	struct talk_conversation asked;
	/* Shown in this step, up to this row of this conversation: it counts as read at its end. 0: nothing. */
	struct talk_conversation shown;
	uint64_t shown_row;
};

/* Whom a client invites: so many are on their way at a time, and each is told when his card is there. */
struct agent_inviting {
	json_t *people;	   /* NULL: nobody */
	json_t *proposals; /* that were made */
	bool *told;	   /* of each */
	size_t next;	   /* who is to be invited next */
	size_t told_count;
};

/* A connection to the control socket: one command. */
struct agent_client {
	struct list place;
	struct agent *agent;
	struct os_lines *lines;
	enum agent_wait wait;
	bool broken;	      /* to be closed: it could not be told everything */
	uint64_t deadline_ns; /* OS_NEVER: none */
	uint32_t extension;   /* INVITE, REVOKE, SUSPEND, CONFIRM */
	uint64_t serial;      /* ADMINS: of the list before; POLICY: of the entry before */
	uint64_t until_ms;    /* TERM */
	struct agent_inviting inviting; /* INVITE_MANY */
	uint8_t message_id[TALK_MESSAGE_ID_LEN];
	bool held;				 /* SEND: nothing is sent there for now */
	uint8_t group[TALK_CONVERSATION_ID_LEN]; /* GROUP */
	bool leaves;				 /* it */
	uint8_t device_key[LEDGER_KEY_LEN];	 /* DEVICE_IN, DEVICE_OUT */
	uint8_t release[LEDGER_HASH_LEN];	 /* RELEASE */
	struct agent_reading reading;		 /* READ, FOLLOW */
	int mic_fd;				 /* RING, CALL: WAV files, or -1 */
	int speaker_fd;
	uint64_t for_ns; /* CALL: hang up so long after the answer; 0: never */
	int shown;	 /* JOIN: the link's state that was told last; -1: none */
};

/* What the command found out about a relay that has a name. */
#define AGENT_ADDRESSES_MAX 8

struct agent_relay {
	char host_port[WIRE_RELAY_ADDRESS_MAX];
	size_t host_port_len;
	struct wire_link_to addresses[AGENT_ADDRESSES_MAX];
	size_t address_count;
};

struct agent_room {
	bool used;
	uint64_t ticket; /* of the join, until it is answered */
	uint64_t epoch;
	uint8_t room; /* the link's index, once joined */
	bool joined;
};

/* A call message that could not leave yet: the conversation is being made, or the link is down. */
#define AGENT_CALL_UNSENT_MAX 16

struct agent_unsent {
	uint32_t extension;
	uint64_t until_ns;
	uint8_t len;
	uint8_t data[CALL_MESSAGE_LEN_MAX];
};

/* What the agent itself keeps of a call, beside the engine. */
struct agent_call {
	struct call *engine; /* NULL while there is no vault */
	struct os_timer timer;
	struct os_timer limit_timer; /* --for */
	struct agent_client *client; /* who waits for its end; may be NULL */
	bool dialling;		     /* a conversation is being made first */
	uint64_t dialling_until_ns;
	struct agent_unsent unsent[AGENT_CALL_UNSENT_MAX];
	size_t unsent_count;
	uint32_t extension; /* the other person */
	struct agent_room rooms[2];
	struct os_ipc *voice;
	struct os_ipc *ringer;
	bool ringing; /* the ringer is wanted */
	bool beating;
	uint64_t phase_ns;
	bool over; /* ended; the report of the voice process is awaited */
	enum call_reason reason;
	struct call_times times;
	bool outgoing;
	bool verified;
	struct os_timer report_timer;
	struct wire_voice_report report;
	bool reported;
	char voice_sandbox[OS_SANDBOX_TEXT_LEN];
};

/* What this phone runs, as the launcher found it when it started. */
struct agent_release {
	bool known;   /* all that is installed is as its manifest says, whose hash this is: */
	bool changed; /* or else there is a manifest, and something is not */
	uint8_t hash[LEDGER_HASH_LEN];
};

struct agent {
	struct os_loop *loop;
	struct os_directory *home;
	struct os_sandbox sandbox;
	struct os_ipc *launcher;
	struct os_listener *listener;
	struct list clients;
	size_t client_count;

	struct vault *vault; /* NULL: not opened since the start */
	struct talk *talk;   /* NULL without a vault; locked while that is */
	struct os_timer timer;
	struct os_deferred step;
	struct os_timer client_timer;
	enum sotto_err reload_why; /* SOTTO_OK: nothing is to be loaded again */

	struct os_ipc *link; /* NULL while the link process restarts */
	struct wire_link_status link_status;
	char link_sandbox[OS_SANDBOX_TEXT_LEN];
	uint64_t next_ticket; /* of the agent's own requests */

	struct agent_release release;
	struct agent_relay relay;
	struct agent_call call;
	bool stopping;
};

/* agent_step.c */

/* Ask after every call that may have changed talk or call: runs once, later in this round. */
void agent_pump(struct agent *agent);
void agent_step_init(struct agent *agent);

/*
 * What the input of talk that returned err wants stored is stored, before any other input. Returns err, or
 * why it could not be stored: then agent->talk is NULL, and is loaded again after a while.
 */
MUST_USE enum sotto_err agent_commit(struct agent *agent, enum sotto_err err);
MUST_USE enum sotto_err agent_start_engines(struct agent *agent);
void agent_stop_engines(struct agent *agent);

/* The vault was unlocked: so is talk, and what came meanwhile moves to the other messages. */
void agent_unlock_engines(struct agent *agent);

static inline bool agent_locked(const struct agent *agent)
{
	return agent->vault != NULL && vault_locked(agent->vault);
}

/* agent_link.c */
void agent_link_attach(struct agent *agent, int descriptor);
void agent_link_detach(struct agent *agent);
void agent_link_configure(struct agent *agent);
/* Why there is no link, for people; false: there is one, or it is too early to say. */
bool agent_link_trouble(const struct agent *agent, char text[AGENT_TROUBLE_LEN]);
MUST_USE enum sotto_err agent_link_request(struct agent *agent, uint64_t ticket,
					   struct bytes message);
void agent_link_cancel(struct agent *agent, uint64_t ticket);

/* Encodes and sends one message; errors mean that the other process is gone, which is noticed elsewhere. */
void agent_tell(struct os_ipc *ipc, const struct wire_type *type, const void *message,
		const int *descriptors, size_t count);

/* agent_release.c: what the launcher says that this phone runs; false: neither a hash nor one of its words */
bool agent_release_set(struct agent *agent, const char *text);

/* agent_relay.c: how many addresses there are for this HOST:PORT; 0: a name that nobody looked up yet */
size_t agent_relay_addresses(const struct agent *agent, struct bytes host_port,
			     struct wire_link_to addresses[AGENT_ADDRESSES_MAX]);

/* The name that the command should look up; NULL: none. */
json_t *agent_relay_to_resolve(const struct agent *agent);

/* agent_control.c */
void agent_control_init(struct agent *agent);
void agent_accept(void *context, int descriptor);
void agent_clients_close(struct agent *agent);

/*
 * The phone was locked by one of them. Nothing shows messages, waits for a ring or makes a card behind a lock: the
 * others end, but for a call under way. Who has not been told everything yet is closed: what waits may be a
 * text.
 */
void agent_clients_lock(struct agent *agent, const struct agent_client *by);
void agent_client_close(struct agent_client *client);

/* Ends the command well with this object (taken over; NULL: an empty one). */
void agent_done(struct agent_client *client, json_t *object);

/* One of several results (taken over). */
void agent_item(struct agent_client *client, json_t *object);

/* Ends the command badly: a code, and one sentence that says what is wrong and what to do. */
void agent_fail(struct agent_client *client, enum sotto_err err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The word of an error in JSON; programs may depend on it. */
const char *agent_error_word(enum sotto_err err);

/* Sets or clears what the client waits for, and until when (0: as long as it likes). */
void agent_client_wait(struct agent_client *client, enum agent_wait wait, uint64_t timeout_ms);

/* agent_commands.c: a string argument, or NULL; an extension of 1 to 5 digits, or 0. */
const char *agent_text(const json_t *arguments, const char *name);
struct bytes agent_bytes(const json_t *arguments, const char *name); /* none: not given */
uint32_t agent_extension(const json_t *arguments, const char *name);
uint32_t agent_extension_of(const json_t *value);

/* Runs the command that this object names, or tells the client why not. */
void agent_command_run(struct agent_client *client, json_t *arguments, int *descriptors,
		       size_t descriptors_count);

/* The commands, called with arguments of the right types: descriptors not taken (set to -1) are closed by
 * the caller. */
typedef void agent_command_fn(struct agent_client *client, const json_t *arguments,
			      int *descriptors, size_t descriptors_count);

/* command_vault.c */
agent_command_fn command_addresses; /* agent_relay.c */
agent_command_fn command_hello, command_create, command_open, command_lock, command_unlock,
	command_passphrase, command_stop;

/* command_network.c */
agent_command_fn command_found, command_invite, command_join, command_members, command_ledger,
	command_status, command_revoke;
/* "103 is suspended until 2026-11-29 10:30 UTC" */
json_t *command_member_words(const struct agent *agent, const struct ledger_member *member,
			     const char *words, uint64_t until_ms);
void command_network_event(struct agent *agent, const struct talk_event *event);
void command_network_link(struct agent *agent); /* it came or went */

/* Waits to join for long enough to be told what may be wrong. */
void command_network_doubt(struct agent_client *client);

/* command_release.c */
agent_command_fn command_release, command_release_name;
/* Whoever waits for a release to be named is told if it is. */
void command_release_look(struct agent_client *client);
/* What this phone runs, for `status`; and what is wrong with that, for people, NULL: nothing. */
json_t *agent_release_json(const struct agent *agent);
json_t *agent_release_problem(const struct agent *agent);

/* command_admin.c */
agent_command_fn command_pending, command_approve, command_refuse, command_admin_list,
	command_admin_add, command_admin_remove, command_admin_threshold, command_suspend,
	command_confirm, command_term;
/* command_policy.c */
agent_command_fn command_policy, command_policy_set;
void command_policy_look(struct agent_client *client);
/* False: the client was told that the policy switches it off. */
bool command_feature(struct agent_client *client, uint32_t feature, const char *words);

/* "until": YYYY-MM-DD, or none. False: the client was told what is wrong. */
bool command_until(struct agent_client *client, const json_t *arguments, uint64_t *until_ms);
void command_admin_event(struct agent *agent, const struct talk_event *event);
/* The proposal of this code; NULL: it is not open. */
json_t *agent_proposal_json(const struct agent *agent, struct bytes code);
/* What this client wanted is proposed: it is told so. */
void command_admin_proposed(struct agent_client *client, const struct talk_event *event);

/* command_invite.c */
agent_command_fn command_invite_many, command_invitations;
/* The card that this phone made for this extension, while it is open; NULL: none. */
json_t *agent_card_json(const struct agent *agent, uint32_t extension);
void command_invite_event(struct agent *agent, const struct talk_event *event);
/* All events of a step were told: the next ones are invited. */
void command_invite_settle(struct agent *agent);
void command_invite_timeout(struct agent_client *client);
void command_invite_client_gone(struct agent_client *client);

/* command_messages.c */
agent_command_fn command_send, command_read, command_search, command_export;
void command_messages_event(struct agent *agent, const struct talk_event *event);
/* All events of a step were told. */
void command_messages_settle(struct agent *agent);
void command_messages_timeout(struct agent_client *client);

/* The client has taken what was sent to it: more of its reading. */
void command_messages_drained(struct agent_client *client);

/* command_change.c */
agent_command_fn command_edit, command_delete, command_react, command_receipts;

/* command_group.c */
agent_command_fn command_group_create, command_group_list, command_group_show, command_group_rename,
	command_group_add, command_group_remove, command_group_leave;
void command_group_event(struct agent *agent, const struct talk_event *event);
void command_group_timeout(struct agent_client *client);

/* Whoever waits for a group is told if it has come about; at the end of each step. */
void command_group_look(struct agent *agent);

/* command_device.c */
agent_command_fn command_device_add, command_device_approve, command_device_list,
	command_device_remove;
/* command_history.c */
agent_command_fn command_device_ask, command_device_give, command_device_stop,
	command_device_history;
void command_device_event(struct agent *agent, const struct talk_event *event);
void command_device_timeout(struct agent_client *client);
void command_device_client_gone(struct agent_client *client);

/*
 * agent_group.c: the one group that is called so or whose id begins so, also of those that this phone is not in any more. False: the
 * client was told why there is none.
 */
bool agent_group_find(struct agent_client *client, const char *given, uint8_t *id);
/* Whom the command's table lets through: an extension under this name, or else "group". False likewise. */
bool agent_conversation_given(const json_t *arguments, const char *person);
bool agent_conversation(struct agent_client *client, const json_t *arguments, const char *person,
			struct talk_conversation *conversation);
const char *agent_membership(enum talk_membership state);
/* Id and name; all but the members; all. NULL: no such group, or no memory. */
json_t *agent_group_name_json(const struct agent *agent, const uint8_t *id);
json_t *agent_group_json(const struct talk_group_info *info);
json_t *agent_group_members_json(const struct agent *agent, const uint8_t *id);

/* agent_message.c */
const char *agent_message_state(enum talk_message_state state);
json_t *agent_message_json(const struct agent *agent, const struct talk_conversation *conversation,
			   const struct talk_message *message);
/* Likewise of a notice. */
json_t *agent_notice_json(const struct agent *agent, const struct talk_conversation *conversation,
			  const struct talk_message *notice);
/* A row as it is now; message borrows from value, which is empty before. */
MUST_USE enum sotto_err agent_message_read(const struct agent *agent,
					   const struct talk_conversation *conversation,
					   uint64_t row, struct writer *value,
					   struct talk_message *message);
/* The one message whose id begins with these digits; false: the client was told why there is none. */
bool agent_message_find(struct agent_client *client, const struct talk_conversation *conversation,
			const char *digits, uint8_t *id);

/* command_call.c */
agent_command_fn command_call, command_answer, command_hangup;
void command_call_client_gone(struct agent_client *client);

/* agent_call.c: the engine's outputs */
MUST_USE enum sotto_err agent_call_init(struct agent *agent);
void agent_call_start(struct agent *agent);
void agent_call_finish(struct agent *agent);
void agent_call_event(struct agent *agent, const struct talk_event *event);

/* Who belongs to the network, or what this phone is in it, changed: a call that may not go on ends at once. */
void agent_call_members(struct agent *agent);

/* Does what the engine wants done; call after anything that may have moved it. */
void agent_call_pump(struct agent *agent);

/*
 * A key was pressed in client: call this person, which answers one who rings here already, or answer what
 * rings. SOTTO_ERR_STATE: in another call, or nothing rings; otherwise as talk_open and call_dial.
 */
MUST_USE enum sotto_err agent_call_dial(struct agent *agent, struct agent_client *client,
					uint32_t extension);
MUST_USE enum sotto_err agent_call_answer(struct agent *agent, struct agent_client *client);

/* Hangs up, cancels or refuses, whatever it is now; SOTTO_ERR_STATE if there is no call. */
MUST_USE enum sotto_err agent_call_hang_up(struct agent *agent);

/* agent_unsent.c: keeps a call message of at most CALL_MESSAGE_LEN_MAX; sends what can be sent. */
void agent_unsent_keep(struct agent *agent, uint32_t extension, struct bytes message);
void agent_unsent_send(struct agent *agent);

/* agent_room.c: rooms at the relay, and the beat */
void agent_room_join(struct agent *agent, const struct call_keys *keys);
void agent_room_leave(struct agent *agent, uint64_t epoch);
void agent_room_link(struct agent *agent, bool up);
void agent_room_reply(struct agent *agent, uint64_t ticket, struct bytes message, bool last);
void agent_room_beat(struct agent *agent, bool on);

/* The link's index of the room of an epoch; 255: not joined. */
uint8_t agent_room_index(const struct agent *agent, uint64_t epoch);

/* agent_voice.c: the voice process and the ringer */
void agent_voice_launch(struct agent *agent, enum phone_process which);
void agent_voice_launched(struct agent *agent, enum phone_process which, int *descriptors,
			  size_t count);
void agent_voice_gone(struct agent *agent, enum phone_process which);
void agent_voice_output(struct agent *agent, const struct call_output *output);
void agent_voice_close(struct agent *agent);

/* command_call.c: what the client of a call is told */
void command_call_changed(struct agent *agent, enum call_state state);
void command_call_ended(struct agent *agent);

#endif
