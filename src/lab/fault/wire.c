/*
 * A bad cable: stands between a link and a bridge, and delays or loses the frames that pass, each
 * way alike. For kernels without sch_netem.
 *
 *     wire LINK TAP DELAY_MS DROP_PERCENT SEED
 *
 * LINK is taken as it is, off its bridge; TAP is made, for the caller to put there in its place,
 * and goes with this process. Says "ready PID" when both are open, with the pid as /proc here tells
 * it, and ends with status 0 when LINK is no more. The same SEED loses the same frames in turn.
 *
 * Frames travel with their virtio_net_hdr: on links like veth a sender leaves checksums and the
 * cutting into packets to the NIC, that is to the other end, and the header tells what is left to do.
 * Such an uncut frame of up to 64 KiB counts as one.
 */

#define _GNU_SOURCE /* ppoll */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

/* The largest uncut frame, and room for its headers. */
#define FRAME_BYTES_MAX (65536 + 256)
/* What one direction holds while it is late: a gigabit for a quarter of a second. More is lost. */
#define QUEUE_BYTES_MAX (32L * 1024 * 1024)
#define MILLISECOND_NS 1000000LL
/* How often the link is looked for: a socket is not told for sure that it is gone. */
#define LOOK_AGAIN_NS (1000 * MILLISECOND_NS)

struct frame {
	struct frame *next;
	int64_t due_ns;
	size_t bytes;
	unsigned char data[];
};

/* One direction: frames in the order in which they came, which is that in which they are due. */
struct queue {
	int from, to;
	struct frame *first, **end;
	long bytes;
};

static int64_t delay_ns;
static unsigned drop_percent;
static uint64_t random_state;

static void fail(const char *what)
{
	fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 * MILLISECOND_NS + now.tv_nsec;
}

/* Marsaglia's xorshift64; a state of 0 would stay 0. */
static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static int open_link(unsigned index)
{
	int on = 1;
	struct sockaddr_ll address = {0};
	struct packet_mreq every = {0};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) fail("packet socket");
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0) fail("PACKET_VNET_HDR");
	/* Else every frame that is sent here would come back. */
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0) fail("PACKET_IGNORE_OUTGOING");
	every.mr_ifindex = (int)index;
	every.mr_type = PACKET_MR_PROMISC;
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &every, sizeof every) < 0) fail("promiscuous mode");
	address.sll_family = AF_PACKET;
	address.sll_protocol = htons(ETH_P_ALL);
	address.sll_ifindex = (int)index;
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
	return fd;
}

static int open_tap(const char *name)
{
	struct ifreq request;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) fail("/dev/net/tun");
	memset(&request, 0, sizeof request);
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, &request) < 0) fail(name);
	/* The other end of the link takes uncut frames and missing checksums, so this one may. */
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) < 0) fail("TUNSETOFFLOAD");
	return fd;
}

/* One frame from a side into its queue; 0 when there is none now. */
static int take(struct queue *queue)
{
	static unsigned char data[sizeof(struct virtio_net_hdr) + FRAME_BYTES_MAX];
	ssize_t bytes = read(queue->from, data, sizeof data);
	if (bytes < 0) return errno == EINTR; /* or nothing more, or the link is down, or gone */
	if ((size_t)bytes <= sizeof(struct virtio_net_hdr)) return 1;
	if (next_random() % 100 < drop_percent) return 1;
	if (queue->bytes + bytes > QUEUE_BYTES_MAX) return 1;
	struct frame *frame = malloc(sizeof *frame + (size_t)bytes);
	if (!frame) return 1;
	frame->next = NULL;
	frame->due_ns = now_ns() + delay_ns;
	frame->bytes = (size_t)bytes;
	memcpy(frame->data, data, (size_t)bytes);
	*queue->end = frame;
	queue->end = &frame->next;
	queue->bytes += bytes;
	return 1;
}

/* Sends what is due. What the other side does not take at once is lost, as on a cable. */
static void give(struct queue *queue, int64_t now)
{
	while (queue->first && queue->first->due_ns <= now) {
		struct frame *frame = queue->first;
		if (write(queue->to, frame->data, frame->bytes) < 0 && errno == EINTR) continue;
		queue->first = frame->next;
		if (!queue->first) queue->end = &queue->first;
		queue->bytes -= (long)frame->bytes;
		free(frame);
	}
}

/* How long until a frame is due, or the link is to be looked at again. */
static struct timespec until_due(const struct queue *queues, int64_t now)
{
	int64_t left = LOOK_AGAIN_NS;
	for (int i = 0; i < 2; i++)
		if (queues[i].first && queues[i].first->due_ns - now < left) left = queues[i].first->due_ns - now;
	if (left < 0) left = 0;
	struct timespec wait = {left / (1000 * MILLISECOND_NS), left % (1000 * MILLISECOND_NS)};
	return wait;
}

static void relay(int link, int tap, const char *name, unsigned index)
{
	struct queue queues[2] = {{link, tap, NULL, NULL, 0}, {tap, link, NULL, NULL, 0}};
	struct pollfd sides[2] = {{link, POLLIN, 0}, {tap, POLLIN, 0}};
	for (int i = 0; i < 2; i++) queues[i].end = &queues[i].first;
	int64_t looked_ns = now_ns();
	for (;;) {
		int64_t now = now_ns();
		for (int i = 0; i < 2; i++) give(&queues[i], now);
		struct timespec wait = until_due(queues, now);
		if (ppoll(sides, 2, &wait, NULL) < 0 && errno != EINTR) fail("poll");
		if (now - looked_ns >= LOOK_AGAIN_NS) {
			if (if_nametoindex(name) != index) return;
			looked_ns = now;
		}
		for (int i = 0; i < 2; i++)
			if (sides[i].revents)
				for (int burst = 0; burst < 64 && take(&queues[i]); burst++) continue;
	}
}

/* The number of this process as /proc tells it, which may be that of another pid namespace. */
static long own_pid(void)
{
	char text[32] = "";
	ssize_t bytes = readlink("/proc/self", text, sizeof text - 1);
	return bytes > 0 ? atol(text) : -1;
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fprintf(stderr, "usage: wire LINK TAP DELAY_MS DROP_PERCENT SEED\n");
		return 2;
	}
	unsigned index = if_nametoindex(argv[1]);
	if (index == 0) fail(argv[1]);
	delay_ns = atoll(argv[3]) * MILLISECOND_NS;
	drop_percent = (unsigned)atoi(argv[4]);
	random_state = strtoull(argv[5], NULL, 10) | 1;
	int link = open_link(index);
	int tap = open_tap(argv[2]);
	printf("ready %ld\n", own_pid());
	fflush(stdout);
	relay(link, tap, argv[1], index);
	return 0;
}
