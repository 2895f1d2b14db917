/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of talk/ share. Each file is one stage:
 *
 *   user.c found.c join.c     what people do
 *   reply.c                   the relay's answers, by ticket
 *   read.c                    a batch: signature, position, records
 *   receive.c                 a record: ours, a commit, a message
 *   part.c                    what does not fit into one record
 *   frame.c text.c body.c roster.c package.c   what a message says
 *   conversation.c row.c      what a conversation is called, its rows and their places
 *   change.c                  what happens to a message that is there, or is not yet
 *   lock.c history.c          where rows wait while the phone is locked; their order
 *   inbox.c file.c fetch.c porch.c   parcels, the files that they name, and petitions
 *   device.c code.c           a further device of our person: its card, whom it lets in; codes to read out
 *   admin.c proposal.c decide.c quorum.c   what admins do alone, one after the other, and for the relay
 *   take.c give.c sheaf.c marks.c   what was said before, and what was read, from device to device of one person
 *   forget.c                  a founding or a join that came to nothing
 *   branch.c fork.c           which commits led here; two histories that become one
 *   readd.c plea.c life.c back.c owed.c   who cannot follow, asks, is added anew, and comes back
 *   needs.c commit.c          who must be added or removed, and who does it
 *   wish.c notice.c people.c  what a group is to become; what became of it; what people ask of it
 *   welcome.c                 what a Welcome must be
 *   send.c missed.c           the outbox; what the relay does not serve
 *   work.c                    after every input: whatever can be done now
 *   problem.c hold.c          what is wrong, for how long; whom nothing is sent for now
 *   age.c update.c            keys that nothing needs any more; when our leaf is renewed
 *   access.c                  access keys: the next one, installing and proving it
 *   save.c load.c             the store
 *
 * Inputs change the state; work.c derives from the state alone what to ask and to send, so it does not
 * matter whether a need arose just now or before a restart.
 */
#ifndef TALK_STATE_H
#define TALK_STATE_H

#include "base/list.h"
#include "ledger/invitation.h"
#include "mls/include/sotto/mls.h"
#include "talk/agreed.h"
#include "talk/branch.h"
#include "talk/clean.h"
#include "talk/device.h"
#include "talk/proposal.h"
#include "talk/schema_store.h"
#include "talk/talk.h"
#include "talk/update.h"
#include "wire/drop.h"

#define TALK_MS UINT64_C(1000000) /* in nanoseconds */

/* Rank r waits r times this before it commits or sponsors. */
#define TALK_RANK_MS UINT64_C(250)
/* A sponsor has so long for the Add; then the next one does it: another sponsor sooner. */
#define TALK_SPONSOR_MS	   UINT64_C(60000)
#define TALK_CO_SPONSOR_MS UINT64_C(1000)
/* Records behind the winning commit that still count. */
#define TALK_LATE_MAX 256
/* Behind the others for so long after reading to the end: withheld. */
#define TALK_BEHIND_MS UINT64_C(60000)
/* Generations of our ratchets written ahead; see mls_group_save_ratchets. */
#define TALK_AHEAD 32
/* A drop that no watch is left for is read so often, and before something is sent into it. */
#define TALK_POLL_MS  UINT64_C(15000)
#define TALK_FRESH_MS UINT64_C(2000)
/* The usual retention of a relay. */
#define TALK_RETENTION_MS (UINT64_C(14) * 86400000)
/* Pause before the relay is asked again after it was busy or over a quota and named no time. */
#define TALK_RETRY_MS UINT64_C(2000)
/* Requests open at once; the link takes 64, relays as many. */
#define TALK_REQUESTS_MAX 60
/* Key packages and leaves live so long; nothing is decided by a clock before they are replaced. */
#define TALK_LIFETIME_S	   (UINT64_C(400) * 86400)
#define TALK_PETITIONS_MAX 256
/* Places in drops that are remembered for comparing what the relay signed for others. */
#define TALK_HEARD_MAX 256

/* How often it is looked who is silent, and how exact the times of that are in the store. */
#define TALK_SILENCE_MS UINT64_C(3600000)
/* After so long without having read *everyone* the porch's key is tried, too. */
#define TALK_PORCH_MS		UINT64_C(86400000)

#define TALK_CONTEXT_EXTENSION	(MLS_EXTENSION_PRIVATE_USE + 1)
#define TALK_ROTATION_EXTENSION (MLS_EXTENSION_PRIVATE_USE + 2) /* of a key package: package.c */

/* Why a group does not lead on by itself. */
enum talk_stuck_why {
	TALK_STUCK_NO = 0,
	TALK_STUCK_COMMIT = 1, /* at a commit that others may follow and we cannot */
	TALK_STUCK_READDED =
		2, /* a commit removed our leaf and added a new one: its Welcome leads on */
	TALK_STUCK_GAP = 3, /* records are gone, a commit perhaps among them */
	/* The relay lost the drop, a commit perhaps with it; or it has a newer access key than *everyone* leads to. */
	TALK_STUCK_LOST = 4,
	TALK_STUCK_FORK = 5, /* another history of this group stays, and we are not in it */
};

/* Bytes of our own, from the engine's allocator. */
struct talk_blob {
	uint8_t *data;
	size_t len;
};

static inline struct bytes talk_blob_bytes(const struct talk_blob *blob)
{
	return BYTES(blob->data, blob->len);
}

/*
 * What we put into a drop in one piece or in parts, in this order (part.c). Bytes stay the same when they are
 * sent again: a relay that has them already says so.
 */
struct talk_records {
	struct talk_blob *items;
	size_t count;
	size_t stored;	    /* so many of them; the next one is sent when this one is there */
	uint64_t stored_ns; /* when the relay said so; 0: before a restart */
	uint64_t ticket;    /* open append; 0: none */
	uint8_t id[TALK_MESSAGE_ID_LEN]; /* of the parts; zeros: it is in one piece */
	bool dirty;			 /* its row */
};

/* A drop that we read, and perhaps write. */
struct talk_drop {
	uint8_t append_token[WIRE_TOKEN_LEN]; /* zeros if we may not append */
	uint8_t read_token[WIRE_TOKEN_LEN];
	uint8_t record_key[WIRE_KEY_LEN];
	uint8_t append_hash[WIRE_HASH_LEN];
	uint8_t read_hash[WIRE_HASH_LEN];
	uint8_t name[WIRE_HASH_LEN];
	uint8_t flags;
	uint64_t epoch;
	bool known;
	uint8_t incarnation[WIRE_INCARNATION_LEN];
	uint64_t sequence;
	uint8_t running[WIRE_HASH_LEN];
	uint64_t winner;
	uint32_t incarnations;	   /* so many were lost before this one */
	struct talk_kept_own *own; /* records of ours that have not been read back */
	size_t own_count;
	struct talk_records commit; /* ours, if it is the one that won */
	bool commit_again;	    /* loaded: the relay lost it */
	uint64_t ticket;	    /* open read or watch; 0: none */
	bool at_end;		    /* read to its end since the link came up */
	bool watched;		    /* what comes is pushed */
	uint64_t read_ns;	    /* when it was last read to its end */
	uint64_t again_ns;	    /* what was served contradicts what we have: not before then */
	uint64_t late_ns;    /* its epoch is over: when it is read once more; 0: not at all */
	bool unsigned_batch; /* the relay has not signed all of what it served since then */
};

/* A place in a drop, as the relay signed it for us. */
struct talk_heard {
	uint8_t drop[WIRE_HASH_LEN];
	uint8_t incarnation[WIRE_INCARNATION_LEN];
	uint64_t sequence;
	uint8_t running[WIRE_HASH_LEN];
};

/* What arrived from one device. */
struct talk_arrived {
	uint8_t key[LEDGER_KEY_LEN];
	uint64_t floor;
	uint64_t above[TALK_GAPS_MAX]; /* ascending */
	uint32_t above_count;
	uint8_t tell;	   /* a receipt: 0 not due, 1 due, 2 on its way */
	uint64_t newer_ns; /* when it last said what only a newer version understands; 0: never */
};

struct talk_out {
	struct list list;
	uint64_t number; /* of its row */
	uint8_t type;
	bool transient; /* now or never: not in the store */
	bool lives;	/* it shows that we are here, after the relay lost the drop */
	uint64_t serial;
	uint64_t row;
	uint64_t sent_ms;
	uint64_t stored_ms; /* when the relay first had it; 0: not yet */
	bool stored;
	bool seen;
	uint64_t epoch;
	enum talk_message_state state; /* texts: as the row has it */
	struct talk_place place;       /* texts: likewise */
	struct talk_place back; /* where it was read back last; sequence 0: before a restart */
	struct talk_blob body;
	struct talk_records records; /* none: not sealed yet */
	struct talk_kept_key *recipients;
	size_t recipient_count;
	bool dirty;
};

struct talk_group {
	struct list list;
	uint64_t number;
	uint8_t id[TALK_GROUP_ID_LEN];
	enum talk_kind kind;
	uint32_t peer;
	struct mls_group *mls;
	struct talk_drop drops[TALK_DROPS_MAX];
	size_t drop_count;
	uint64_t serial;
	struct talk_arrived *arrived;
	size_t arrived_count, arrived_capacity;
	uint64_t tell_due_ns; /* no receipt before; 0: none waits (clean.h) */
	struct list outbox;

	uint64_t parts_due_ns;	     /* no messages in parts before; 0: none was given up */
	struct talk_records pending; /* our commit on its way; empty: none */
	struct list coming;	     /* unfinished messages in the present drop, as they began */
	struct mls_buffer welcome;
	struct talk_kept_welcomed *welcomed;
	size_t welcomed_count;
	bool update_due;
	struct talk_pace pace;
	struct list wishes;
	uint32_t lost;	 /* commits of ours in a row that another one was before */
	bool one_by_one; /* of several key packages one did not fit: the next commit adds one */
	bool left;

	/* Nothing to commit before commit_due_ns, as long as epoch, ledger and what others posted are the same. */
	bool settled;
	uint64_t settled_ledger, settled_news;
	uint64_t commit_due_ns; /* TALK_NEVER: nothing to commit */
	uint8_t commit_trigger[WIRE_HASH_LEN];
	bool commit_own; /* among what is to be committed is a wish of our own */
	bool blocked;	 /* holds a leaf that the ledger does not allow */
	struct talk_clean clean;
	/* Until we are added anew nothing more happens here; in a gap, for TALK_GAP_MS. */
	enum talk_stuck_why stuck;
	uint64_t stuck_ms, asked_ms;
	bool entered; /* its epoch, by a commit read since the link came up: the relay has it */
	uint64_t speak_due_ns; /* to say that we are here, where a drop was lost; TALK_NEVER: not */
	uint64_t lost_ns; /* since when it is doubted that all are here; 0: not, or was for long */
	uint64_t stranger_ns; /* when we last took out whom our ledger does not have; 0: never */
	/* Who said so in the present drop; two of them are enough. */
	uint8_t speaker[LEDGER_KEY_LEN]; /* the first */
	uint32_t speakers;
	uint64_t settled_ns;
	uint64_t read_ms; /* when its drop was last read to its end, about */
	struct talk_kept_return *returns;
	size_t return_count;
	struct talk_kept_owed *owed; /* owed.h */
	struct talk_branch branch;
	size_t owed_count, owed_capacity;
	uint8_t stuck_commit[WIRE_HASH_LEN]; /* H(MLSMessage) */
	uint8_t stuck_author[LEDGER_KEY_LEN];
	struct talk_relay_word word; /* the relay's newest signature over a drop of this group */
	bool word_known;
	uint64_t changed_ns; /* when it last changed its epoch, or opened a message */
	uint64_t age_due_ns; /* when to look for old keys; TALK_NEVER: there can be none */
	bool dirty_epoch, dirty_ratchet, dirty;
};

/* A way into a group for one device, until it has spoken there. */
struct talk_sent_parcel {
	struct list list;
	uint64_t number;
	uint64_t group, epoch, file; /* numbers; file 0: all is in it */
	uint8_t device_key[LEDGER_KEY_LEN];
	uint8_t append_token[WIRE_TOKEN_LEN];
	uint8_t read_hash[WIRE_HASH_LEN];
	struct talk_records records; /* stored: since the link came up */
	bool dirty;
};

#define TALK_PACKAGES_BY 256

struct talk_package {
	struct list list;
	struct list alike; /* of those whose devices' keys begin with the same byte */
	struct list unsaved;
	uint64_t number;
	uint8_t device_key[LEDGER_KEY_LEN];
	struct talk_blob message;
	size_t counted;				/* of packages_len */
	struct mls_key_package_secrets secrets; /* ours only */
	uint64_t made_ms;
	uint64_t heard_ms; /* when its device last said something, about */
	uint64_t release;  /* the number of what its device runs, and one; 0: it said nothing yet */
};

/* Read from the porch; in memory only, the porch is read again after a restart. */
struct talk_petition_row {
	struct list list;
	struct ledger_enrol enrol;
	struct talk_blob key_package;
	uint8_t landing_append[WIRE_TOKEN_LEN];
	uint64_t due_ns; /* our turn to sponsor; 0: not known yet */
	bool submitted;
	bool further; /* of enrol, only whose keys they are */
	uint64_t came_ms;
	struct talk_blob body; /* further: of the entry */
};

struct talk_coming_part {
	struct talk_blob bytes;
	uint64_t row; /* in a conversation: of TALK_TABLE_PART */
};

/* A parcel, or a message of a conversation, of which not all parts are here yet. */
struct talk_coming {
	struct list list;
	uint8_t id[TALK_MESSAGE_ID_LEN];
	uint16_t count;
	uint16_t have;
	struct talk_coming_part *parts;
	struct mls_group *mls; /* of a parcel: where its Welcome leads; NULL: not looked at yet */
	size_t weight;	       /* what that came from, in bytes */
	struct talk_agreed agreed; /* what its Welcome says of the ledger */
	struct talk_branch branch; /* of a parcel: the marks of its contents */
	uint64_t stated_ms;	   /* likewise: when it was made, by its sender's clock */
	uint64_t due_ns;	   /* its file is not looked for before; 0: nor at all */
	uint32_t tries;
};

enum talk_asking {
	TALK_ASK_HELLO,
	TALK_ASK_FOUND,
	TALK_ASK_READ,
	TALK_ASK_WATCH,
	TALK_ASK_APPEND_OUT,
	TALK_ASK_APPEND_COMMIT,
	TALK_ASK_APPEND_PARCEL,
	TALK_ASK_APPEND_FILE,
	TALK_ASK_APPEND_PETITION,
	TALK_ASK_APPEND_PLEA,
	TALK_ASK_APPEND_LETTER,
	TALK_ASK_APPEND_SHEAF,
	TALK_ASK_APPEND_BRANCH,
	TALK_ASK_APPEND_MARKS,
	TALK_ASK_APPEND_AGAIN, /* a commit that the relay lost */
	TALK_ASK_TRIM,
	TALK_ASK_INSTALL, /* the next access key */
	TALK_ASK_PROVE,
};

/* A request that the relay has not answered to the end. drop is a name, because drops move. */
struct talk_asked {
	struct list list;
	uint64_t ticket;
	enum talk_asking what;
	bool refused;	  /* the answer was a status that is no success */
	uint32_t answers; /* messages so far */
	uint8_t drop[WIRE_HASH_LEN];
	uint64_t group;	 /* number */
	uint64_t number; /* of the outbox item or parcel */
	uint64_t from;	 /* what was read of the drop when it was asked for */
};

struct talk_outgoing {
	struct list list;
	uint64_t ticket;
	bool cancel;
	struct talk_blob message;
};

struct talk_event_row {
	struct list list;
	struct talk_event event;
	struct talk_blob text;
};

struct talk {
	const struct allocator *allocator;
	const struct random_source *random;
	struct mls_config mls;
	struct mls_psk_source heads; /* of mls */
	struct talk_agreed agreed;   /* of heads */
	uint16_t suite;
	size_t watches_max;
	uint64_t retention_ms;
	enum sotto_err broken; /* an error in the middle of a step: only destroy is left */
	bool silent;	       /* it does not say what was read */
	bool locked;	       /* the store is: nothing goes into tables that are not ring tables */
	struct store_reader reader; /* get NULL: nothing was loaded */

	enum talk_state state;
	uint32_t problems;
	uint32_t shown_problems; /* as the last event told */
	uint64_t now_ns, utc_ms; /* of this step */
	uint64_t aged_utc_ms;	 /* utc_ms of the last step that looked at ages */
	uint64_t rows;		 /* the last number given */
	uint64_t discarded;	 /* commits of ours that came behind the winning one */

	struct mls_identity identity;
	uint8_t inbox_read[WIRE_TOKEN_LEN];
	uint8_t rotation_seed[32];
	uint8_t landing_append[WIRE_TOKEN_LEN];
	uint8_t claim[WIRE_KEY_LEN];
	struct talk_blob invitation; /* encoded struct ledger_invitation */
	struct talk_blob entry;
	struct talk_access access[TALK_ACCESS_MAX]; /* the newest first, number 1 last */
	size_t access_count;
	struct ledger *ledger;
	uint64_t ledger_saved; /* entries in the store */
	struct talk_card card;
	struct list proposals;
	struct talk_quorum quorum;
	uint32_t ended;	  /* hold.c: memberships, when it was last looked */
	bool release_low; /* hold.c: some device runs an older release than the policy allows */
	uint8_t release[LEDGER_HASH_LEN]; /* what this phone runs; zeros: it does not know */

	struct list groups;
	struct talk_group *everyone;
	struct talk_drop inbox; /* while joining: the landing */
	struct talk_drop porch;
	struct list packages, parcels, files, invites, petitions, coming, givings, marks;
	struct list packages_by[TALK_PACKAGES_BY]; /* the same, by the first byte of the key */
	size_t packages_len;			   /* as a list of them would have */
	uint64_t silent_ms;			   /* before that nobody is silent (readd.c) */
	struct talk_fetch *fetch;		   /* NULL: none is on its way */
	struct talk_taking *taking;		   /* NULL: nothing was asked for */
	uint64_t news;				   /* counts petitions and key packages that came */
	uint64_t inbox_trimmed;
	struct {
		uint8_t incarnation[WIRE_INCARNATION_LEN];
		uint64_t sequence;
		uint8_t running[WIRE_HASH_LEN];
	} inbox_kept; /* where the inbox is read from after a restart */

	bool link_up, link_ready;
	struct talk_updates updates;
	bool porch_wanted; /* only the porch leads on: what to ask cannot be asked on a link in catch-up */
	uint8_t exporter[WIRE_EXPORTER_LEN];
	uint8_t authority;
	uint64_t relay_ms, relay_utc_ms, relay_ns; /* its clock and ours, at the last step; or 0 */
	uint64_t old_key_ns; /* since when nothing leads to the newest access key; or 0 */
	/* The relay's access keys, as its last word on this link has them. */
	uint64_t key_number;   /* the newest */
	bool prove_due;	       /* this link has not shown that one */
	bool key_ask;	       /* something may have changed: ask how the link stands */
	uint64_t key_ticket;   /* a question about it that is open; 0: none */
	uint64_t key_retry_ns; /* nothing of this before */
	uint32_t key_tries;    /* tries since both had the same newest key */
	uint64_t ticket;       /* the last one given */
	uint64_t retry_ns;     /* no appends before this */
	uint64_t branched_ns;  /* when it was last seen that there are two histories; 0: never */
	uint64_t beacon_ms;    /* when our last sign of life was stored; 0: none was */
	uint64_t fresh_ms;     /* the time that an admin's phone stated last */
	uint64_t behind_ns;    /* since when somebody is further than we are; 0: nobody */
	uint64_t behind_length, behind_epoch;	  /* ledger, *everyone* */
	uint64_t newer_entry_ns, newer_due_ns;	  /* problem.h */
	uint64_t package_due_ns, package_lost_ns; /* package.c: said again; last time; 0: none */
	uint64_t bad_ns;	/* when the relay's batches last lacked its signature; 0: never */
	uint64_t full_ns;	/* when the relay last had no room for what we sent; or 0: it has */
	uint32_t trouble_tries; /* since it last stored something */
	size_t asked_count;
	bool petition_stored, asked_found;
	bool porch_offered; /* talk_link names the porch's key beside or before the others */
	/* joining: when it was seen that the card's time is over; 0: not yet */
	uint64_t card_over_ns;
	uint64_t petition_ticket;
	uint64_t plea_ticket;
	struct list asked, outgoing, given, events, told;
	struct talk_heard heard[TALK_HEARD_MAX]; /* a ring; sequence 0: not filled */
	size_t heard_next;

	bool dirty;		      /* the self row */
	struct list unsaved_packages; /* one of a thousand, mostly */
	struct store_batch batch;
};

/* ---- blob.c: memory ---- */
MUST_USE enum sotto_err talk_blob_set(const struct talk *talk, struct talk_blob *blob,
				      struct bytes bytes);
void talk_blob_clear(const struct talk *talk, struct talk_blob *blob);
MUST_USE enum sotto_err talk_encode(const struct talk *talk, const struct wire_type *type,
				    const void *structure, struct talk_blob *blob);
void *talk_take(const struct talk *talk, size_t size);
void talk_give(const struct talk *talk, void *memory, size_t size);
uint64_t talk_number(struct talk *talk);
void talk_group_free(struct talk *talk, struct talk_group *group);
void talk_out_free(struct talk *talk, struct talk_out *out);
void talk_parcel_free(struct talk *talk, struct talk_sent_parcel *parcel);
void talk_petition_free(struct talk *talk, struct talk_petition_row *petition);
void talk_coming_free(struct talk *talk, struct talk_coming *coming);
MUST_USE enum sotto_err talk_records_make(const struct talk *talk, struct talk_records *records,
					  size_t count);
void talk_records_clear(const struct talk *talk, struct talk_records *records);

/* ---- drop.c: names, keys, records ---- */
void talk_drop_name(struct talk_drop *drop);
MUST_USE enum sotto_err talk_drop_of_epoch(const struct talk *talk, const struct talk_group *group,
					   struct talk_drop *drop);
void talk_drop_clear(const struct talk *talk, struct talk_drop *drop);
void talk_drop_restart(
	struct talk_drop *drop); /* its incarnation is another one: from the beginning */
void talk_derive(const struct talk_access *access, const char *label, struct bytes context,
		 uint8_t *out);
void talk_porch_drop(const struct talk_access *access, struct talk_drop *drop);
void talk_inbox_of(const struct talk_access *access, const uint8_t *device_key,
		   const uint8_t *read_hash, struct talk_drop *drop);
MUST_USE enum sotto_err talk_record_seal(struct talk *talk, const struct talk_drop *drop,
					 struct bytes message, struct talk_blob *record);
MUST_USE enum sotto_err talk_record_open(const struct talk *talk, const struct talk_drop *drop,
					 struct bytes record, struct talk_blob *message);
/* init_key: of the key package that leads its device in. Opened with the private halves that we still have. */
MUST_USE enum sotto_err talk_box_seal(struct talk *talk, struct bytes init_key,
				      const uint8_t *drop_name, struct bytes part,
				      struct talk_blob *record);
MUST_USE enum sotto_err talk_box_open(const struct talk *talk, const uint8_t *drop_name,
				      struct bytes record, struct talk_blob *part);
/* serial: of the message that it is; 0: none. */
MUST_USE enum sotto_err talk_own_add(const struct talk *talk, struct talk_drop *drop,
				     struct bytes record, uint64_t serial);
/* Was it there? */
bool talk_own_take(struct talk_drop *drop, struct bytes record, uint64_t *serial);

/* ---- part.c: what does not fit into one record ---- */
size_t talk_part_count(size_t len);
struct bytes talk_part_bytes(struct bytes whole, size_t number);
/* Could it be one of so many at most? What could not be begins nothing, which would then never be whole. */
bool talk_part_fits(const struct talk_part *part, size_t most);
struct talk_coming *talk_coming_find(struct list *list, const uint8_t *id);
MUST_USE enum sotto_err talk_coming_make(struct talk *talk, struct list *list,
					 const struct talk_part *part, struct talk_coming **coming);
MUST_USE enum sotto_err talk_coming_put(struct talk *talk, struct talk_coming *coming,
					const struct talk_part *part, uint64_t row);
/* All parts from this one on, in one piece. */
MUST_USE enum sotto_err talk_coming_join(struct talk *talk, const struct talk_coming *coming,
					 uint16_t first, struct talk_blob *whole);
/* out: whose they are; NULL: a commit's, which is known otherwise if it comes in parts. */
MUST_USE enum sotto_err talk_records_own(const struct talk *talk, struct talk_drop *drop,
					 const struct talk_records *records,
					 const struct talk_out *out);
/* One record, or as many as it needs. */
MUST_USE enum sotto_err talk_message_seal(struct talk *talk, struct talk_drop *drop,
					  struct bytes message, const struct talk_out *out,
					  struct talk_records *records);
bool talk_is_part(struct bytes content);
/* A part in the present drop, at its present sequence. whole, id: the message, if this was the last of it. */
MUST_USE enum sotto_err talk_part_receive(struct talk *talk, struct talk_group *group,
					  struct bytes content, struct talk_blob *whole,
					  uint8_t *id);
/* A part from the store. */
MUST_USE enum sotto_err talk_part_load(struct talk *talk, struct talk_group *group,
				       struct bytes content, uint64_t row);
/* The present drop is past, or begins anew. */
MUST_USE enum sotto_err talk_parts_forget(struct talk *talk, struct talk_group *group);

/* ---- request.c ---- */
MUST_USE enum sotto_err talk_ask(struct talk *talk, enum talk_asking what,
				 const struct wire_type *type, const void *message,
				 struct talk_asked **asked);
MUST_USE enum sotto_err talk_ask_append(struct talk *talk, enum talk_asking what,
					const uint8_t *append_token, const uint8_t *read_hash,
					uint8_t flags, struct bytes record,
					struct talk_asked **asked);
/* The next one of them, when the one before is there: they stand in order. asked: NULL if nothing is asked now. */
MUST_USE enum sotto_err talk_records_append(struct talk *talk, enum talk_asking what,
					    const uint8_t *append_token, const uint8_t *read_hash,
					    uint8_t flags, struct talk_records *records,
					    struct talk_asked **asked);
MUST_USE enum sotto_err talk_ask_drop(struct talk *talk, enum talk_asking what,
				      struct talk_drop *drop);
MUST_USE enum sotto_err talk_cancel(struct talk *talk, uint64_t ticket);
struct talk_asked *talk_asked_find(struct talk *talk, uint64_t ticket);
void talk_asked_drop(struct talk *talk, struct talk_asked *asked);
void talk_asked_drop_all(struct talk *talk);
void talk_outgoing_clear(struct talk *talk);
struct talk_group *talk_group_by_number(struct talk *talk, uint64_t number);

/* ---- event.c ---- */
MUST_USE enum sotto_err talk_tell(struct talk *talk, const struct talk_event *event);
void talk_problem_set(struct talk *talk, enum talk_problem problem, bool holds);
void talk_events_clear(struct talk *talk, struct list *events);

/* ---- read.c ---- */
MUST_USE enum sotto_err talk_batch_read(struct talk *talk, const struct wire_batch *batch,
					const struct talk_asked *asked);
MUST_USE enum sotto_err talk_drop_lost(struct talk *talk, struct talk_group *group,
				       struct talk_drop *drop);
void talk_read_note(const struct talk *talk, struct talk_group *group,
		    const struct talk_drop *drop);
/* NULL: none known. invitation is room to decode into; wipe it. */
const uint8_t *talk_relay_key(const struct talk *talk, struct ledger_invitation *invitation);

/* ---- word.c ---- */

/* The drop's position is one that the relay signed. */
void talk_word_heard(struct talk *talk, const struct talk_drop *drop);
/* A batch with records, verified, of a drop of this group. */
void talk_word_keep(struct talk_group *group, const struct wire_batch *batch);
/* What the relay signed for the sender of a frame, against what it signed for us. */
void talk_words_compare(struct talk *talk, const struct wire_list *words);
struct talk_drop *talk_drop_find(struct talk *talk, const uint8_t *name, struct talk_group **group);

/* ---- receive.c, frame.c ---- */
MUST_USE enum sotto_err talk_record_receive(struct talk *talk, struct talk_group *group,
					    struct talk_drop *drop, struct bytes record);
MUST_USE enum sotto_err talk_epoch_begin(struct talk *talk, struct talk_group *group, bool removed);
MUST_USE enum sotto_err talk_frame_encode(struct talk *talk, const struct talk_group *group,
					  const struct talk_out *out, struct talk_blob *frame);
MUST_USE enum sotto_err talk_frame_receive(struct talk *talk, struct talk_group *group,
					   const struct talk_drop *drop,
					   const struct mls_application *application);
bool talk_staged_adds(const struct mls_staged *staged, struct bytes key);
MUST_USE enum sotto_err talk_copied(struct talk *talk);
struct talk_arrived *talk_arrived_from(struct talk *talk, struct talk_group *group,
				       const uint8_t *key);

/* ---- text.c: texts and receipts ---- */
MUST_USE enum sotto_err talk_text_receive(struct talk *talk, struct talk_group *group,
					  const struct talk_drop *drop, const uint8_t *key,
					  const struct talk_frame *frame);
/* A message that is here came again: the first of all copies says where it stands. */
MUST_USE enum sotto_err talk_text_again(struct talk *talk, struct talk_group *group,
					const struct talk_drop *drop, const uint8_t *key,
					uint64_t serial);
MUST_USE enum sotto_err talk_receipt_receive(struct talk *talk, struct talk_group *group,
					     const struct talk_drop *drop, const uint8_t *key,
					     struct bytes body);
MUST_USE enum sotto_err talk_receipt_make(struct talk *talk, struct talk_group *group);
/* All is to be told that we have, and so what others have to say again. */
MUST_USE enum sotto_err talk_receipts_due(struct talk *talk, struct talk_group *group);
/* The relay lost something of this conversation, perhaps also where nobody reads any more. */
MUST_USE enum sotto_err talk_texts_doubt(struct talk *talk, struct talk_group *group);
/* A text of ours in another state: its row, new if it has none. */
MUST_USE enum sotto_err talk_text_state(struct talk *talk, const struct talk_group *group,
					struct talk_out *out, enum talk_message_state state);
void talk_message_id(const uint8_t *group_id, const uint8_t *key, uint64_t serial, uint8_t *id);

/* ---- conversation.c, row.c, lock.c: rows of messages and their events; parked, and without an event, while locked ---- */
/* The conversation that this group is, or is a part of. */
struct talk_conversation talk_conversation_of(const struct talk *talk,
					      const struct talk_group *group);
void talk_owner_of(const struct talk_group *group, struct talk_owner *owner);
/* Where the record that the drop was read up to stands. */
struct talk_place talk_place_of(const struct talk_group *group, const struct talk_drop *drop);

/* A new row, with an event if the phone is not locked. */
MUST_USE enum sotto_err talk_message_put(struct talk *talk, const struct talk_group *group,
					 uint64_t row, const struct talk_kept_message *kept);

/* ---- body.c: bodies that change a message ---- */
MUST_USE enum sotto_err talk_body_receive(struct talk *talk, struct talk_group *group,
					  const uint8_t *key, const struct talk_frame *frame);

/* Who did what by the commit that the drop was read up to: actor and subject are extensions. */
MUST_USE enum sotto_err talk_notice_put(struct talk *talk, const struct talk_group *group,
					const struct talk_drop *drop, uint32_t actor,
					enum talk_verb verb, uint32_t subject, struct bytes text);

/* What was said between these times is missing here. */
MUST_USE enum sotto_err talk_missing_put(struct talk *talk, const struct talk_group *group,
					 const struct talk_drop *drop, uint64_t since_ms,
					 uint64_t until_ms);

/* Into a row, and out of it. */
#define TALK_PLACE_KEEP(kept, place) \
	(memcpy((kept)->place_group, (place)->group, TALK_CONVERSATION_ID_LEN), \
	 (kept)->place_epoch = (place)->epoch, (kept)->place_incarnation = (place)->incarnation, \
	 (kept)->place_sequence = (place)->sequence)
#define TALK_PLACE_TAKE(kept, place) \
	(memcpy((place)->group, (kept)->place_group, TALK_CONVERSATION_ID_LEN), \
	 (place)->epoch = (kept)->place_epoch, (place)->incarnation = (kept)->place_incarnation, \
	 (place)->sequence = (kept)->place_sequence)

/* As the store is once this step's batch is applied. Errors as store_get. */
MUST_USE enum sotto_err talk_store_get(const struct talk *talk, uint8_t table, struct bytes owner,
				       uint64_t index, struct writer *out);
MUST_USE enum sotto_err talk_row_find(const struct talk *talk, const struct talk_owner *owner,
				      const uint8_t *id, uint64_t *row);
/* A new one. */
MUST_USE enum sotto_err talk_row_put(struct talk *talk,
				     const struct talk_conversation *conversation,
				     const struct talk_owner *owner, uint64_t row,
				     const struct talk_kept_message *kept);
/* Over the one that is there. */
MUST_USE enum sotto_err talk_row_write(struct talk *talk, const struct talk_owner *owner,
				       uint64_t row, const struct talk_kept_message *kept);
/* kept borrows from value, which is empty before. */
MUST_USE enum sotto_err talk_row_get(const struct talk *talk, const struct talk_owner *owner,
				     uint64_t row, struct writer *value,
				     struct talk_kept_message *kept);
void talk_message_of(const struct talk_kept_message *kept, struct talk_message *message);
/* Likewise of what was parked. */
struct talk_conversation talk_conversation_parked(const struct talk *talk,
						  const struct talk_kept_parked *parked);
void talk_owner_parked(const struct talk_kept_parked *parked, struct talk_owner *owner);

/* ---- roster.c: the ledger and key packages in *everyone* ---- */
/* key: of the device that sent it; NULL: ours, and whoever asked for it is told if it does not apply. */
MUST_USE enum sotto_err talk_entry_receive(struct talk *talk, struct bytes body,
					   const uint8_t *key);
/* It stands in a ledger that we were given: SOTTO_ERR_EXISTS and others are as of ledger_append. */
MUST_USE enum sotto_err talk_entry_take(struct talk *talk, struct bytes bytes);
MUST_USE enum sotto_err talk_package_receive(struct talk *talk, const uint8_t *key,
					     struct bytes body);
MUST_USE enum sotto_err talk_package_check(const struct talk *talk, const uint8_t *key,
					   struct bytes message);
MUST_USE enum sotto_err talk_package_put(struct talk *talk, const uint8_t *key,
					 struct bytes message);
bool talk_everyone_allows(const struct talk *talk, const struct mls_staged *staged);
bool talk_leaf_allowed(const struct talk *talk, const struct talk_group *group, const uint8_t *key);
uint32_t talk_extension_of(const struct talk *talk, uint32_t member);
MUST_USE enum sotto_err talk_submit(struct talk *talk, struct bytes entry);

/* name: a group's, at most TALK_GROUP_NAME_MAX; else empty. */
MUST_USE enum sotto_err talk_context_encode(const struct talk *talk, enum talk_kind kind,
					    struct bytes name, struct talk_blob *blob);
void talk_leaf_options(struct talk *talk, struct mls_leaf_options *options);

/* ---- user.c ---- */
/* The group of a conversation that we may write to; NULL with peer: to be made. Or why not. */
MUST_USE enum sotto_err talk_group_find(struct talk *talk,
					const struct talk_conversation *conversation,
					const struct ledger_member **peer,
					struct talk_group **group);
bool talk_outbox_full(const struct talk *talk);

/* ---- group.c ---- */
MUST_USE enum sotto_err talk_group_put(struct talk *talk, struct mls_group *mls,
				       enum talk_kind kind, uint32_t peer,
				       struct talk_group **group);
void talk_send_options(struct mls_group *mls);
struct talk_group *talk_group_by_id(const struct talk *talk, const uint8_t *id);
/* What its GroupContext says of it; borrows. SOTTO_ERR_FORMAT: nothing that we know. */
MUST_USE enum sotto_err talk_group_context(const struct mls_group *mls,
					   struct talk_context *context);
/* Are we in it no more? */
bool talk_group_over(const struct talk_group *group);
/* Is there no other device? */
bool talk_group_alone(const struct talk_group *group);
/* Have we said that we leave, on this device or another one of ours? */
bool talk_group_leaving(const struct talk *talk, const struct talk_group *group);
struct talk_group *talk_group_direct(const struct talk *talk, uint32_t peer);
MUST_USE enum sotto_err talk_group_open_direct(struct talk *talk,
					       const struct ledger_member *member,
					       struct talk_group **group);
bool talk_drop_fresh(const struct talk *talk, const struct talk_drop *drop);
bool talk_group_current(const struct talk *talk, const struct talk_group *group);

/* ---- send.c ---- */
/* Who is no member any more is nobody to wait for. */
MUST_USE enum sotto_err talk_out_members(struct talk *talk, struct talk_group *group);
MUST_USE enum sotto_err talk_out_put(struct talk *talk, struct talk_group *group, uint8_t type,
				     struct bytes body, bool transient, struct talk_out **out);
MUST_USE enum sotto_err talk_send_work(struct talk *talk, struct talk_group *group);
MUST_USE enum sotto_err talk_out_remove(struct talk *talk, struct talk_group *group,
					struct talk_out *out);
/* Not known to have reached everybody: to be sent again. epoch UINT64_MAX: what was not read back before
 * the commit that ended its epoch. Else: all that was sealed for this epoch, whose drop was lost. */
MUST_USE enum sotto_err talk_out_again(struct talk *talk, struct talk_group *group, uint64_t epoch);
void talk_out_unseal(struct talk *talk, struct talk_out *out);
MUST_USE enum sotto_err talk_out_stored(struct talk *talk, struct talk_group *group,
					struct talk_out *out);
MUST_USE enum sotto_err talk_out_unlink(struct talk *talk, struct talk_group *group);
MUST_USE enum sotto_err talk_ratchets_reserve(struct talk_group *group);
/* Of a group's rows of its own: 8 bytes. */
void talk_group_owner(const struct talk_group *group, uint8_t *owner);
MUST_USE enum sotto_err talk_out_seen(struct talk *talk, struct talk_group *group,
				      const struct talk_drop *drop, struct talk_out *out,
				      bool counts);

/* ---- porch.c, join.c, found.c; inbox.c is in talk/file.h ---- */
MUST_USE enum sotto_err talk_entry_make(struct talk *talk, uint8_t action,
					const union ledger_body *body, struct talk_blob *entry);
MUST_USE enum sotto_err talk_identity_make(struct talk *talk);
MUST_USE enum sotto_err talk_porch_receive(struct talk *talk, struct bytes record);
MUST_USE enum sotto_err talk_porch_work(struct talk *talk);
struct talk_petition_row *talk_petition_of(struct talk *talk, const uint8_t *device_key);
MUST_USE enum sotto_err talk_join_work(struct talk *talk);
MUST_USE enum sotto_err talk_join_drops(struct talk *talk);
/* forget.c: once the card's time is over; when to look; and at once, from a founding or a join: erases what was
 * prepared, empty again */
MUST_USE enum sotto_err talk_join_expire(struct talk *talk);
uint64_t talk_join_due(const struct talk *talk);
MUST_USE enum sotto_err talk_forget(struct talk *talk);
MUST_USE enum sotto_err talk_found_work(struct talk *talk);
MUST_USE enum sotto_err talk_found_done(struct talk *talk);
void talk_member_drops(struct talk *talk);

/* ---- work.c, save.c ---- */
MUST_USE enum sotto_err talk_step_begin(struct talk *talk, uint64_t now_ns, uint64_t utc_ms);
enum sotto_err talk_step_end(struct talk *talk, enum sotto_err err);
MUST_USE enum sotto_err talk_unlink(struct talk *talk);
MUST_USE enum sotto_err talk_save(struct talk *talk);

#include "talk/back.h"
#include "talk/beacon.h"
#include "talk/change.h"
#include "talk/commit.h"
#include "talk/file.h"
#include "talk/hand.h"
#include "talk/missed.h"
#include "talk/owed.h"
#include "talk/wish.h"

#endif
