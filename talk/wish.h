/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of groups share: wish.c, notice.c, people.c, welcome.c. Comes with talk/state.h. */
#ifndef TALK_WISH_H
#define TALK_WISH_H

/* Those who lost with a commit and want to try again, all of a group, spread over no more than this. */
#define TALK_AGAIN_MS UINT64_C(16000)

#include "talk/state.h"

enum talk_wish_kind {
	TALK_WISH_ADD = 1,
	TALK_WISH_REMOVE = 2,
	TALK_WISH_RENAME = 3,
	TALK_WISH_LEFT = 4, /* he said so: everybody wishes it */
};

/* What a group is to become: tried until it is so or cannot be any more. One for each member. */
struct talk_wish {
	struct list list;
	uint64_t number; /* of its row */
	enum talk_wish_kind kind;
	uint32_t member; /* 0: RENAME */
	uint8_t name[TALK_GROUP_NAME_MAX];
	size_t name_len;
};

/* ---- wish.c ---- */
struct talk_wish *talk_wish_of(const struct talk_group *group, enum talk_wish_kind kind,
			       uint32_t member);
/* In the place of another one about the same member, or of another name. */
MUST_USE enum sotto_err talk_wish_put(struct talk *talk, struct talk_group *group,
				      enum talk_wish_kind kind, uint32_t member, struct bytes name);
MUST_USE enum sotto_err talk_wish_erase(struct talk *talk, const struct talk_group *group,
					struct talk_wish *wish);
/* Nothing can come of it: it goes, and its maker is told, once and for good. */
MUST_USE enum sotto_err talk_wish_fail(struct talk *talk, struct talk_group *group,
				       struct talk_wish *wish, const char *why);
/* Those that came true or that nothing can come of are gone. */
MUST_USE enum sotto_err talk_wishes_settle(struct talk *talk, struct talk_group *group);
/* Room for one mark for each member of the ledger, by id; give it back with the same size. */
struct talk_marks {
	uint8_t *wished;   /* enum talk_wish_kind; 0: nothing */
	uint16_t *devices; /* that the ledger allows */
	uint16_t *in;	   /* of those, leaves of the group */
	size_t count;
};
MUST_USE enum sotto_err talk_marks_make(const struct talk *talk, const struct talk_group *group,
					struct talk_marks *marks);
void talk_marks_clear(const struct talk *talk, struct talk_marks *marks);
MUST_USE enum sotto_err talk_leave_receive(struct talk *talk, struct talk_group *group,
					   const uint8_t *key, struct bytes body);
/* He is in this group no more, and says so: he is to be removed. */
MUST_USE enum sotto_err talk_left_note(struct talk *talk, struct talk_group *group,
				       const uint8_t *key);

/* ---- notice.c ---- */
struct talk_seat {
	uint32_t leaf;
	uint8_t key[LEDGER_KEY_LEN];
};

/* How a group was before a commit. */
struct talk_before {
	struct talk_blob seats; /* struct talk_seat, by leaf */
	uint8_t name[TALK_GROUP_NAME_MAX];
	size_t name_len;
};
MUST_USE enum sotto_err talk_before_take(struct talk *talk, const struct talk_group *group,
					 struct talk_before *before);
void talk_before_clear(const struct talk *talk, struct talk_before *before);
/* Tells what is different now; before talk_epoch_begin. by: the device that made the commit. */
MUST_USE enum sotto_err talk_notices_make(struct talk *talk, struct talk_group *group,
					  const struct talk_before *before, const uint8_t *by);

/* ---- people.c ---- */
bool talk_group_name_valid(struct bytes name);
/* Are we in it, and is there anybody who would hear? */
bool talk_group_writable(const struct talk *talk, const struct talk_group *group);
MUST_USE enum sotto_err talk_leave_work(struct talk *talk, struct talk_group *group);

/* ---- welcome.c ---- */
MUST_USE enum sotto_err talk_welcome_join(struct talk *talk, struct bytes welcome,
					  struct bytes tree, struct mls_group **mls);
/* A Welcome to anything but *everyone*; takes *mls over when it succeeds. SOTTO_ERR_AGAIN: perhaps later. */
MUST_USE enum sotto_err talk_conversation_join(struct talk *talk, struct mls_group **mls,
					       struct talk_branch *came, uint64_t stated_ms);

#endif
