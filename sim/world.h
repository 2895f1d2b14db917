/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole network from one seed: phones, their links, a relay, and what happens to them.
 *
 *   plan.c      from the seed: a list of moments, each an action of somebody or a fault
 *   act.c       actions: what people do; a table; act_group.c: in groups, and to messages; act_device.c: with
 *               several devices
 *   crowd.c     instead of days: one group of everybody
 *   fault.c     faults: what happens to phones, links, disks, clocks and the relay; a table
 *   phone.c     the program around one phone's engine
 *   world.c     time: setting up, the plan, and quiet at the end
 *   check.c     what must hold: after every step, from time to time, and at the end
 *   trace.c     what happened, as a hash and as lines; totals
 *
 * Every entry of the plan draws from a stream of its own, so that a plan with entries left out is the same
 * in all others: that is how a failing run is shortened.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/store_memory.h"
#include "sim/frames.h"
#include "sim/line.h"
#include "sim/relay.h"
#include "talk/talk.h"
#include "vault/vault.h"

#define SIM_PHONES_MAX	10000
#define SIM_UTC_MS	UINT64_C(1790000000000)
#define SIM_MINUTE	(60 * SIM_SECOND)
#define SIM_HOUR	(60 * SIM_MINUTE)
#define SIM_DAY		(24 * SIM_HOUR)
#define SIM_COMPARED	64
#define SIM_GROUPS_MAX	12
#define SIM_LOSSES_MAX	64
#define SIM_LIARS	8 /* one of so many seeds has a relay that lies */
#define SIM_SEVERAL	7 /* in one of so many some people have several devices */
#define SIM_NONE	UINT32_MAX
#define SIM_DRAWN	(UINT32_MAX - 1)
#define SIM_DEVICES_MAX 24 /* further ones: all phones together have a bit each */

struct sim_world;
struct talk_group;

/* What one run is; zeros: what the seed says. */
struct sim_setting {
	uint64_t seed;
	uint32_t phones;
	uint32_t days;
	uint32_t faults; /* of the plan; SIM_NONE: none */
	uint32_t texts;	 /* a day and phone */
	uint32_t
		devices; /* so many further ones may come; SIM_NONE, or SIM_DRAWN: some, as many as the seed says */
	uint16_t suite;
	bool trace;	  /* print each line */
	bool crowd;	  /* no faults and no plan: one group of everybody (crowd.c) */
	const char *skip; /* entries of the plan to leave out: "3,17-25" */
};

enum sim_phone_state {
	SIM_PHONE_NONE,	   /* nobody was invited yet */
	SIM_PHONE_INVITED, /* somebody is to be a member; has no card yet */
	SIM_PHONE_JOINED,  /* has typed its card in, or founded */
	SIM_PHONE_LOST,	   /* lies in a river */
};

struct sim_phone {
	struct sim_world *world;
	uint32_t number;
	uint32_t person; /* number of the first phone of whose it is */
	enum sim_phone_state state;
	uint64_t revoked_ns; /* when an admin's phone took the wish; 0: never */
	bool was_member;
	bool misbehaved; /* made a commit that not all can follow: others may name it, by this key */
	uint8_t rogue_key[LEDGER_KEY_LEN];
	struct talk *talk; /* NULL: off */
	struct sim_line *line;
	struct sim_line_faults usual; /* of its link, without faults */
	struct store_memory *memory;
	/* Of phones with a vault. */
	struct sim_disk *disk;
	struct sim_vfs *vfs;
	struct vault *vault;
	struct store_reader reader;
	struct store_writer writer;
	bool locked;
	/* Reasons to be off, one bit an entry of the plan; it is switched on again when there is none. */
	uint32_t off;
	struct sim_event boot, timer, errand, word;
	/* Of people with several devices: act_device.c. */
	struct sim_event retire, hand;
	uint8_t key[LEDGER_KEY_LEN];	      /* as its engine has it; zeros: none */
	uint8_t retired[LEDGER_KEY_LEN];      /* to be taken out */
	uint8_t approved_key[LEDGER_KEY_LEN]; /* by the card that it joins with */
	uint32_t old, giver; /* phones: that approves this one; that hands over to it */
	uint32_t cards;
	bool approved, asked, taking; /* asked: at least once; taking: that is not over yet */
	struct sim_random last_words; /* of whom is revoked and writes on */
	uint32_t words;
	/* Its clocks. */
	uint64_t mono_base, mono_since;
	int32_t drift_ppm;
	int64_t skew_ms;
	struct sim_random random; /* of its engine */
	struct random_source source;
	struct allocator allocator;
	uint64_t fail_left; /* allocations until one fails; UINT64_MAX: none does */
	char card[LEDGER_ENTRY_LEN_MAX];
	size_t card_len;
	uint32_t deaths;
	uint32_t boots;
	uint64_t text_row; /* of the newest text that came */
	uint64_t up_ns;	   /* since when its link is up */
	uint64_t requests; /* since the last check of all */
	uint64_t wakes;	   /* likewise, because its time had come */
	uint64_t heard,
		heard_ns; /* the longest ledger of others, and since when it is longer than ours */
	/* So much of its ledger is the same as everybody's, up to this head. */
	uint64_t same_length;
	uint8_t same_head[LEDGER_HASH_LEN];
	/* Epochs whose authenticators were compared, by the group's number. */
	struct {
		uint64_t group, epoch;
	} compared[SIM_COMPARED];
};

/* A group that somebody made. */
struct sim_group {
	uint8_t id[TALK_CONVERSATION_ID_LEN];
};

/* A text that somebody wrote. */
struct sim_text {
	uint32_t from, to; /* a phone, and a person; to UINT32_MAX: all of a group */
	uint32_t group;
	uint64_t sent_ns;
	uint64_t delivered_ns; /* when its sender learned that it arrived; 0: not yet */
	uint64_t ledger;       /* length of its sender's then */
	bool sure;	       /* in the sender's store; else perhaps */
	bool taken_back;       /* deleted by its sender: maybe before it went out */
	uint64_t told;	       /* the phones that told of it: sim_bit */
	uint64_t told_ns[64];  /* when each of them did, by its bit */
	uint64_t asked,
		handed; /* the phones that asked for it, and those that got all that they asked for */
	uint8_t id[TALK_MESSAGE_ID_LEN];
};

/* One entry of the plan. */
struct sim_entry {
	struct sim_world *world;
	struct sim_event event;
	size_t number;	   /* as drawn: what --skip names */
	uint64_t at_ns;	   /* after the start of the plan */
	uint64_t until_ns; /* of a fault that lasts */
	uint16_t kind;	   /* index into the actions, or the faults */
	bool fault;
	bool skipped;
	bool running;
	uint32_t subject; /* a phone; drawn when it begins */
	uint64_t value;	  /* what the fault left to be undone */
	struct sim_random random;
};

#define SIM_KINDS_MAX 40

struct sim_totals {
	uint64_t phone_ns; /* of phones that were on or were to be */
	uint64_t texts, calls, joins, revocations;
	uint64_t devices, histories; /* further ones that came in; handed over to the end */
	uint64_t steps, requests;
	uint64_t deaths, boots;
	uint64_t actions[SIM_KINDS_MAX], faults[SIM_KINDS_MAX];
	uint64_t rogue;	      /* what members did that no program does */
	uint64_t split;	      /* of that, commits that only some can open */
	uint64_t discarded;   /* commits that came too late */
	uint64_t refused;     /* actions that the engine would not take then */
	uint64_t recovery_ns; /* from the last fault's end to quiet */
};

struct sim_world {
	struct sim_setting setting;
	struct sim_random random;
	struct sim_clock clock;
	struct sim_switch *hub;
	struct sim_relay *relay;
	struct sim_phone *phones;
	uint32_t phone_count;  /* with room for those who come later, and for further devices */
	uint32_t person_count; /* their first phones; the further devices stand behind them */
	uint32_t members_wanted;
	uint32_t base; /* extension of phone 0 */
	struct sim_text *texts;
	size_t text_count, text_capacity;
	struct sim_group groups[SIM_GROUPS_MAX];
	uint32_t group_count;
	struct sim_entry *entries;
	size_t entry_count;
	bool ending; /* no more faults */
	struct sim_frames *frames;
	struct sim_checks *checks;
	struct sim_epochs *epochs;
	struct sim_thief *thief;
	struct sim_totals totals;
	/* A relay that lies: now, whether it ever did, whether it forked, and to whom. */
	enum sim_lie lie;
	bool relay_lied, relay_lost, forked;
	uint64_t forked_ns, healed_ns; /* from the first fork's beginning to the last one's end */
	uint64_t victims;
	/* When the relay lost its records. */
	uint64_t losses_ns[SIM_LOSSES_MAX];
	size_t loss_count;
	uint64_t trace;	     /* hash */
	const char *broken;  /* the invariant; NULL: none */
	uint64_t checked_ns; /* length of the last stretch between two checks of all */
};

/* ---- world.c ---- */
struct sim_world *sim_world_create(const struct sim_setting *setting);
void sim_world_destroy(struct sim_world *world);
/* To the end, or to the first invariant that does not hold. */
bool sim_world_run(struct sim_world *world);
/* False: something broke. */
bool sim_world_run_for(struct sim_world *world, uint64_t ns);
uint64_t sim_world_now(const struct sim_world *world);
/* At a time from now on; the event is in the caller's memory. */
void sim_world_at(struct sim_world *world, struct sim_event *event, uint64_t when_ns);
/* Of a person. */
uint32_t sim_world_extension(const struct sim_world *world, uint32_t person);
/* The person's first phone. */
struct sim_phone *sim_world_by_extension(struct sim_world *world, uint32_t extension);
/* Whose device has this key; NULL: no phone's now. */
const struct sim_phone *sim_world_by_key(const struct sim_world *world, const uint8_t *key);

/* ---- plan.c ---- */
void sim_plan_make(struct sim_world *world);
void sim_plan_start(struct sim_world *world);
/* Ends what still lasts. */
void sim_plan_end(struct sim_world *world);
void sim_plan_print(const struct sim_world *world);

/* ---- act.c, fault.c ---- */
struct sim_action {
	const char *name;
	uint32_t weight;  /* among the actions; those with 0 are never drawn */
	uint32_t devices; /* among what is done because people may have several devices */
	void (*run)(struct sim_world *world, struct sim_entry *entry);
};
struct sim_fault {
	const char *name;
	uint32_t weight;
	uint64_t min_ns, max_ns; /* how long it lasts; 0: a moment */
	/* False: not now. */
	bool (*begin)(struct sim_world *world, struct sim_entry *entry);
	void (*end)(struct sim_world *world, struct sim_entry *entry);
};
extern const struct sim_action sim_actions[];
extern const size_t sim_action_count;
extern const struct sim_fault sim_faults[];
extern const size_t sim_fault_count;
size_t sim_fault_first_lie(void);
/* Gives each line what it usually has and what running faults add. */
void sim_fault_lines(struct sim_world *world);
/* A phone that is on and a member; NULL: none of those drawn. */
struct sim_phone *sim_act_somebody(struct sim_world *world, struct sim_entry *entry);
void sim_act_write(struct sim_world *world, struct sim_entry *entry, struct sim_phone *phone,
		   const struct talk_conversation *conversation, uint32_t to, uint32_t group);
/* Somebody new is to join; true while there is room. */
bool sim_act_invite(struct sim_world *world, uint32_t number);

/* ---- act_group.c ---- */

/* Of sets of phones; those of larger networks are not told apart. */
static inline uint64_t sim_bit(uint32_t number)
{
	return UINT64_C(1) << number % 64;
}
/* Who is in it, as this phone, which is on, sees it. */
uint64_t sim_act_members(const struct sim_phone *phone, uint32_t group);
void sim_act_group_create(struct sim_world *world, struct sim_entry *entry);
void sim_act_group_add(struct sim_world *world, struct sim_entry *entry);
void sim_act_group_remove(struct sim_world *world, struct sim_entry *entry);
void sim_act_group_leave(struct sim_world *world, struct sim_entry *entry);
void sim_act_group_rename(struct sim_world *world, struct sim_entry *entry);
void sim_act_group_text(struct sim_world *world, struct sim_entry *entry);
void sim_act_edit(struct sim_world *world, struct sim_entry *entry);
void sim_act_delete(struct sim_world *world, struct sim_entry *entry);
void sim_act_react(struct sim_world *world, struct sim_entry *entry);
void sim_act_tell_read(struct sim_world *world, struct sim_entry *entry);

/* ---- act_device.c ---- */
/* In the network, and to stay there, whether or not it is on. Of a person: one of its phones. */
bool sim_phone_stays(const struct sim_phone *phone);
bool sim_person_stays(const struct sim_world *world, uint32_t person);
/* All phones of it: sim_bit. */
uint64_t sim_person_phones(const struct sim_world *world, uint32_t person);
/* One of this person's that is on and a member; of one with one phone only that one, on or off. */
struct sim_phone *sim_person_draw(struct sim_world *world, struct sim_entry *entry,
				  uint32_t person);
/* An admin takes it out then, with all that it has. */
void sim_person_revoked(struct sim_world *world, uint32_t person, uint64_t when_ns);
/* Nobody waits for what was said before. */
bool sim_histories_quiet(const struct sim_world *world, char *what, size_t room);
void sim_act_device_add(struct sim_world *world, struct sim_entry *entry);
void sim_act_device_history(struct sim_world *world, struct sim_entry *entry);
void sim_act_device_lose(struct sim_world *world, struct sim_entry *entry);
void sim_act_device_retire(struct sim_world *world, struct sim_entry *entry);

/* Whom somebody takes out writes on, as long as he does not know. */
void sim_act_write_on(struct sim_world *world, struct sim_entry *entry, struct sim_phone *phone);

/* ---- crowd.c ---- */
bool sim_crowd_run(struct sim_world *world);
/* Of a crowd so many have been given a card: says now and then what that took. */
void sim_crowd_joining(const struct sim_world *world, uint32_t count);

/* ---- rogue.c ---- */
void sim_act_rogue(struct sim_world *world, struct sim_entry *entry);
void sim_act_rogue_commit(struct sim_world *world, struct sim_entry *entry);

/* ---- phone.c ---- */
void sim_phone_init(struct sim_world *world, uint32_t number, bool vault);
void sim_phone_finish(struct sim_phone *phone);
/* Reasons to be off are bits of a mask; without any it is switched on. */
void sim_phone_off(struct sim_phone *phone, uint32_t reason, bool power);
void sim_phone_on(struct sim_phone *phone, uint32_t reason);
bool sim_phone_ready(const struct sim_phone *phone); /* on, and a member */
/* After each call into its engine: store, then requests and events. */
void sim_phone_settle(struct sim_phone *phone, enum sotto_err err);
uint64_t sim_phone_now(const struct sim_phone *phone);
uint64_t sim_phone_utc(const struct sim_phone *phone);
void sim_phone_clock(struct sim_phone *phone, int32_t drift_ppm, int64_t skew_ms);
void sim_phone_lock(struct sim_phone *phone);
void sim_phone_unlock(struct sim_phone *phone);

enum { SIM_OFF_DEAD = 1, SIM_OFF_AWAY = 2, SIM_OFF_LOST = 4, SIM_OFF_NOT_YET = 8 };

/* ---- check.c, check_group.c, check_end.c ---- */
struct sim_checks *sim_checks_create(void);
void sim_checks_destroy(struct sim_checks *checks);
struct sim_epochs *sim_epochs_create(void);
void sim_epochs_destroy(struct sim_epochs *epochs);
/* thief.c: random is copied; how many conversations were copied, and in how many of them the phone's leaf was renewed since. */
struct sim_thief *sim_thief_create(const struct sim_world *world, const struct sim_random *random);
void sim_thief_destroy(struct sim_thief *thief);
void sim_thief_sees(struct sim_thief *thief, struct sim_phone *phone, const uint8_t *name,
		    struct bytes sealed);
void sim_thief_counts(const struct sim_thief *thief, uint64_t *stolen, uint64_t *healed);
/* The first that does not hold ends the run. */
void sim_break(struct sim_world *world, const char *invariant, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* NULL: none that we wrote. */
struct sim_text *sim_text_by_id(struct sim_world *world, const uint8_t *id);
void sim_check_request(struct sim_phone *phone, struct bytes request);
void sim_check_event(struct sim_phone *phone, const struct talk_event *event);
/* Before its events are taken, and after. */
void sim_check_epochs(struct sim_phone *phone);
void sim_check_step(struct sim_phone *phone);
/* Who is in which epoch of a conversation, by its id's first bytes. False: nobody was seen in it. */
void sim_epoch_note(struct sim_phone *phone, const struct talk_group *group, uint64_t epoch);
bool sim_epoch_members(const struct sim_world *world, const uint8_t *id, uint64_t epoch,
		       uint64_t *members);
/* The phones that were in it for more than one step, as they say themselves. */
uint64_t sim_epoch_there(const struct sim_world *world, const uint8_t *id, uint64_t epoch);
/* Who was taken out of it after an epoch that somebody was seen in. */
uint64_t sim_epoch_left(const struct sim_world *world, const uint8_t *id);
bool sim_group_quiet(struct sim_world *world, char *what, size_t room);
void sim_group_check_end(struct sim_world *world);
void sim_check_world(struct sim_world *world);
/* Is everything as it must be when nothing happens any more? what: the first that is not. */
bool sim_check_quiet(struct sim_world *world, char *what, size_t room);
/* Have two phones ledgers that no rule makes one? */
bool sim_check_ledgers(const struct sim_world *world);
/* Has anybody said that something is wrong with the relay? */
bool sim_check_noticed(const struct sim_world *world);
/* Of *everyone*, of a phone that is on and a member. */
uint64_t sim_check_epoch(const struct sim_phone *phone);
void sim_check_end(struct sim_world *world);

/* ---- trace.c ---- */
void sim_trace(struct sim_world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sim_trace_bytes(struct sim_world *world, struct bytes bytes);
void sim_totals_print(const struct sim_world *world);

#endif
