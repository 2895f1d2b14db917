/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of being brought back share: readd.c, plea.c, life.c, back.c. Comes with talk/state.h. */
#ifndef TALK_BACK_H
#define TALK_BACK_H

#include "talk/state.h"

/* A device is added anew to a group at most once in so long, whoever asks for it and how often. */
#define TALK_READD_MS UINT64_C(600000)
/* Who waits to be added anew asks again after so long; others heed what is not older than twice that. */
#define TALK_ASK_MS UINT64_C(600000)
/* The Welcome that belongs to the commit that added us anew is on its way for so long before we ask. */
#define TALK_WELCOME_MS UINT64_C(60000)
/* Who may have missed a commit waits so long for others to say so before it writes and commits again. */
#define TALK_GAP_MS UINT64_C(600000)
/* The same, before it asks: what is in its inbox has been read by then. */
#define TALK_GAP_ASK_MS UINT64_C(2000)
/* The relay lost the present drop: others in the same epoch say within seconds that they are there. Who hears nobody
 * asks after so long; again, twice as late each time, for the others may be off. */
#define TALK_LOST_ASK_MS UINT64_C(60000)
/* All who say so, spread over no more than this. */
#define TALK_SPEAK_MS UINT64_C(16000)
/* Nothing is committed there for so long, whoever is heard: two that were off find each other in an epoch that all others have
 * left. We tell our marks, and those who are further theirs, each within TALK_SPEAK_MS. */
#define TALK_LOST_COMMIT_MS UINT64_C(40000)
/* Records of *everyone* are gone: who hears nobody there commits nothing there for a day, in which each phone that is on
 * says something. Who went on alone would fork the network. */
#define TALK_GAP_EVERYONE_MS UINT64_C(86400000)

/* ---- readd.c: who is to be added anew ---- */
enum talk_return_why {
	TALK_RETURN_ASKED = 1, /* it said that it cannot follow */
	TALK_RETURN_OWED = 2,  /* who added it is out, and it was not heard since */
};
void talk_return_want(struct talk *talk, struct talk_group *group, const uint8_t *key,
		      enum talk_return_why why);
/* It was heard after all. */
void talk_return_unwant(struct talk_group *group, const uint8_t *key);
bool talk_return_asked(const struct talk_group *group, const uint8_t *key);
/* Have all others of this group asked? */
bool talk_returns_all(const struct talk *talk, const struct talk_group *group);
/* A commit that wins does it. */
MUST_USE enum sotto_err talk_returned(struct talk *talk, struct talk_group *group,
				      const uint8_t *key);
bool talk_return_due(struct talk *talk, const struct talk_group *group, const uint8_t *key);
/* By which key package; in *everyone* perhaps the one of its petition. Borrows; SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err talk_return_package(struct talk *talk, const struct talk_group *group,
					    const uint8_t *key, const uint8_t **device_key,
					    struct bytes *message);
/* Is it still where it landed with its card, having read nothing of *everyone* yet? */
bool talk_return_landed(struct talk *talk, const struct talk_group *group, const uint8_t *key);
void talk_return_spoke(struct talk *talk, struct talk_group *group, const uint8_t *key,
		       uint64_t epoch);
/* Its key package does not fit. */
MUST_USE enum sotto_err talk_return_fail(struct talk *talk, struct talk_group *group,
					 const uint8_t *key);
void talk_heard_from(struct talk *talk, const uint8_t *key);

/* ---- plea.c: asking to be added anew ---- */
#define TALK_REASON_FORK 4 /* as others are told; else enum talk_stuck_why, GAP for LOST */
#define TALK_REASON_OUT \
	5 /* of a group that it was taken out of, or has left, in a history that went */
MUST_USE enum sotto_err talk_stand_still(struct talk *talk, struct talk_group *group,
					 enum talk_stuck_why why);
/* Is nothing done here until we are added anew? */
bool talk_stands_still(const struct talk_group *group);
/* Names a conversation in *everyone*, in an epoch: the same at all its members, and nobody else knows its id. */
void talk_conversation_tag(struct bytes label, const struct talk_group *group,
			   const uint8_t *device_key, uint64_t epoch, const uint8_t *hash,
			   uint8_t *tag);
/* May a commit be missing here that nobody has told us of? */
bool talk_in_gap(const struct talk_group *group);
/* Is nothing sent or committed for now, because of that? */
bool talk_gap_waits(const struct talk *talk, const struct talk_group *group);
/* In *everyone*: is nothing committed but what removes who may not be there? */
bool talk_gap_everyone(const struct talk *talk, const struct talk_group *group);
/* Somebody goes on in a group that is over here: if he takes us for a member there, he learns that we are not. */
MUST_USE enum sotto_err talk_out_say(struct talk *talk, struct talk_group *group);
MUST_USE enum sotto_err talk_plea_work(struct talk *talk);
uint64_t talk_plea_due(const struct talk *talk);
uint64_t talk_porch_due(const struct talk *talk);
MUST_USE enum sotto_err talk_stuck_receive(struct talk *talk, const uint8_t *key,
					   struct bytes body);
MUST_USE enum sotto_err talk_plea_receive(struct talk *talk, struct bytes opened);
bool talk_porch_offer(const struct talk *talk);

/* ---- life.c: saying that we are here, where the relay lost a drop ---- */
/* On this link it has shown that it lost something. */
bool talk_relay_lost(const struct talk *talk);
MUST_USE enum sotto_err talk_life_lost(struct talk *talk, struct talk_group *group);
void talk_life_heard(struct talk_group *group, const struct talk_drop *drop, const uint8_t *key);
bool talk_all_allowed(const struct talk *talk, const struct talk_group *group);
MUST_USE enum sotto_err talk_life_work(struct talk *talk, struct talk_group *group);

/* ---- back.c: a Welcome into a group that we have already ---- */
/* Is a Welcome that leads there what we wait for? SOTTO_ERR_AGAIN: perhaps later. SOTTO_ERR_EXISTS: we are there, or
 * further. came: the marks of its contents. */
MUST_USE enum sotto_err talk_back_awaited(const struct talk *talk, const struct talk_group *group,
					  const struct mls_group *mls,
					  const struct talk_branch *came);
MUST_USE enum sotto_err talk_back_everyone(struct talk *talk, const struct talk_parcel *parcel,
					   const struct talk_contents *contents,
					   struct talk_coming *coming);
/* What leads on is this, whatever was before. Takes *mls over, and empties came. */
MUST_USE enum sotto_err talk_back_take(struct talk *talk, struct talk_group *group,
				       struct mls_group **mls, struct talk_branch *came);
MUST_USE enum sotto_err talk_back_group(struct talk *talk, struct talk_group *group,
					struct mls_group **mls, struct talk_branch *came);

#endif
