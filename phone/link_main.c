/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sotto-link: a phone's link to its relay. Started by sotto-launcher alone, with a channel to the agent as
 * descriptor PHONE_CHILD_AGENT_FD; ends when the agent does.
 *
 *	harden -> sockets, netlink -> sandbox -> ready -> loop
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/init.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/sandbox.h"
#include "phone/link_process.h"

static void flush(struct os_deferred *deferred)
{
	struct link_process *process = CONTAINER_OF(deferred, struct link_process, flush);
	struct link_packet packet;

	if (process->client == NULL)
		return;
	for (;;) {
		link_client_send(process->client, os_clock_now_ns(), &packet);
		if (packet.len == 0)
			break;
		link_sockets_send(process, &packet);
	}
	os_loop_set_timer(process->loop, &process->deadline, link_client_deadline(process->client));
}

void link_process_end_client(struct link_process *process)
{
	struct link_client *client = process->client;

	if (client == NULL)
		return;
	link_client_stop(client, os_clock_now_ns());
	flush(&process->flush);
	process->client = NULL;
	link_client_destroy(client);
}

void link_process_pump(struct link_process *process)
{
	os_loop_defer(process->loop, &process->flush);
}

static void deadline_due(struct os_timer *timer, uint64_t now_ns)
{
	struct link_process *process = CONTAINER_OF(timer, struct link_process, deadline);

	if (process->client != NULL)
		link_client_handle_deadline(process->client, now_ns, os_clock_utc_ms());
	link_process_pump(process);
}

static void old_due(struct os_timer *timer, uint64_t now_ns)
{
	(void)now_ns;
	link_sockets_close(&CONTAINER_OF(timer, struct link_process, old_timer)->old_sockets);
}

static void agent_said(void *context, struct os_ipc *ipc, struct bytes message, int *descriptors,
		       size_t descriptors_count)
{
	int none = -1;

	(void)ipc;
	link_process_handle(context, message, descriptors_count > 0 ? &descriptors[0] : &none);
}

static void agent_gone(void *context, struct os_ipc *ipc)
{
	struct link_process *process = context;

	(void)ipc;
	link_process_end_client(process);
	os_loop_stop(process->loop);
}

static void agent_drained(void *context, struct os_ipc *ipc)
{
	(void)ipc;
	link_process_drained(context);
}

static void network_changed(void *context)
{
	link_sockets_renew(context);
}

static void resumed(void *context, uint64_t slept_ns)
{
	(void)slept_ns;
	link_sockets_renew(context);
}

static enum sotto_err say_ready(struct link_process *process, const struct os_sandbox *sandbox)
{
	char text[OS_SANDBOX_TEXT_LEN];
	struct wire_process_ready ready;
	struct writer writer;
	enum sotto_err err;

	os_sandbox_describe(sandbox, text);
	ready.sandbox = BYTES(text, strnlen(text, sizeof(text)));
	writer_init_growing(&writer, &allocator_default);
	TRY(wire_process_ready_encode(&ready, &writer));
	TRY(os_ipc_send(process->agent, writer_bytes(&writer), NULL, 0));
out:
	writer_release(&writer);
	return err;
}

static enum sotto_err prepare(struct link_process *process)
{
	struct os_ipc_handler handler = {.received = agent_said,
					 .gone = agent_gone,
					 .drained = agent_drained,
					 .context = process};
	struct os_sandbox_options options = {.lock_memory = true};
	struct os_sandbox sandbox;
	enum sotto_err err;

	TRY(crypto_init());
	TRY(os_loop_create(&process->loop));
	os_deferred_init(&process->flush, flush);
	os_timer_init(&process->deadline, deadline_due);
	os_timer_init(&process->old_timer, old_due);
	link_beat_init(process);
	TRY(os_ipc_create(process->loop, PHONE_CHILD_AGENT_FD, &handler, &process->agent));
	TRY(os_netwatch_create(process->loop, network_changed, process, &process->netwatch));
	TRY(os_loop_on_resume(process->loop, resumed, process));
	TRY(link_sockets_open(process));
	TRY(os_sandbox_enter(OS_PROFILE_LINK, &options, &sandbox));
	TRY(say_ready(process, &sandbox));
out:
	return err;
}

static void release(struct link_process *process)
{
	link_client_destroy(process->client);
	link_process_finish_exchanges(process);
	link_beat_detach(process);
	link_sockets_close(&process->sockets);
	link_sockets_close(&process->old_sockets);
	os_netwatch_destroy(process->netwatch);
	os_ipc_destroy(process->agent);
	os_loop_destroy(process->loop);
}

int main(void)
{
	static struct link_process process;
	enum sotto_err err;

	TRY(os_process_harden());
	TRY(crypto_init());
	TRY(prepare(&process));
	TRY(os_loop_run(process.loop));
out:
	release(&process);
	if (err != SOTTO_OK)
		fprintf(stderr, "sotto-link: %s\n", sotto_err_text(err));
	return err == SOTTO_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
