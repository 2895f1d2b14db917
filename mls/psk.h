/* SPDX-License-Identifier: Apache-2.0 */
/* Pre-shared keys (RFC 9420 section 8.4): the psk_secret of a list of them. */
#ifndef MLS_PSK_H
#define MLS_PSK_H

#include "mls/link.h"

/*
 * psk_secret in the making; count is known before. Begins as all zeros, which is the secret of no
 * PSK.
 */
struct psk_chain {
	const struct suite *suite;
	const struct allocator *allocator;
	uint16_t index;
	uint16_t count;
	struct secret secret;
};

/* ResumptionPSKUsage (8.4): the last two are also enum mls_link. */
enum psk_usage {
	PSK_USAGE_APPLICATION = 1,
	PSK_USAGE_REINIT = MLS_LINK_REINIT,
	PSK_USAGE_BRANCH = MLS_LINK_BRANCH,
};

/* A commit or welcome has at most so many. */
#define PSK_COUNT_MAX 64

void psk_chain_init(struct psk_chain *chain, const struct suite *suite,
		    const struct allocator *allocator, size_t count);

/* The next key; id is the encoded PreSharedKeyID. */
MUST_USE enum sotto_err psk_chain_add(struct psk_chain *chain, struct bytes id, struct bytes psk);

/* Where keys are: external ones in the config's source, resumption ones in a group's epochs. */
struct psk_finder {
	const struct mls_config *config;
	const struct suite *suite;
	const struct mls_group *group;	/* NULL: we are not in it yet */
	const struct mls_group *origin; /* another one that it follows, or NULL */
};

/* SOTTO_ERR_NOT_FOUND: we don't have it. */
MUST_USE enum sotto_err psk_find(const struct psk_finder *finder, const struct psk_id_view *id,
				 struct bytes *psk);

/* Of the PSK proposals of a list, in order. SOTTO_ERR_NOT_FOUND: one is not there. */
MUST_USE enum sotto_err psk_secret_of_list(const struct psk_finder *finder,
					   const struct proposal_list *list, struct secret *secret);

static inline struct psk_finder group_psk_finder(const struct mls_group *group)
{
	return (struct psk_finder){&group->config, group->suite, group, NULL};
}

/*
 * 12.4.3.1: the psks of a welcome, each by its form; at most one is of reinit or branch, and that
 * becomes link (without its origin). resumption: is there any resumption PSK?
 */
MUST_USE enum sotto_err psk_check_welcome(const struct suite *suite, struct bytes psks,
					  struct link *link, bool *resumption);

/* Of the psks of a welcome, checked before. */
MUST_USE enum sotto_err psk_secret_of_welcome(const struct psk_finder *finder, struct bytes psks,
					      size_t count, struct secret *secret);

/* PreSharedKeyID psks<V> of a list, for welcomes; without header. */
void psk_ids_write(const struct proposal_list *list, struct writer *writer);

/* A PreSharedKey proposal for an external PSK that we hold, with a fresh nonce. */
MUST_USE enum sotto_err psk_proposal_write(const struct psk_finder *finder, struct bytes psk_id,
					   struct writer *writer);

/* Likewise by who need not have it. */
MUST_USE enum sotto_err psk_external_write(const struct mls_config *config,
					   const struct suite *suite, struct bytes psk_id,
					   struct writer *writer);

/* Likewise for a resumption PSK of a group that the finder knows. */
MUST_USE enum sotto_err psk_resumption_write(const struct psk_finder *finder, enum psk_usage usage,
					     struct bytes group_id, uint64_t epoch,
					     struct writer *writer);

/*
 * 12.1.4, 12.2: forms, and none twice. link: the one usage beside application that may be here, in a
 * group's first commit.
 */
MUST_USE enum sotto_err psk_check(const struct psk_id_view *id, const struct suite *suite,
				  enum mls_link link);
MUST_USE enum sotto_err psk_check_list(const struct proposal_list *list);

#endif
