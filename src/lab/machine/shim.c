/*
 * Makes the programs of a lab host take a machine that is only shown to them for a real one, and
 * lets the host's wall clock be stepped. A shared library, preloaded (ld.so(8)) into libvirtd and,
 * as libvirt hands LD_PRELOAD on, into every QEMU.
 *
 * CPUs. Where /sys/devices/system/cpu is not the kernel's own but a tree that was mounted over it,
 * guests are pinned to CPUs that the kernel does not have, and it would refuse. Here the affinity
 * of a thread is kept in a file, its "seat", and read back from there: threads really run wherever
 * the scheduler puts them. As with the kernel, CPUs that are not online are taken off a mask, and
 * a mask with none left is refused. One thing differs: a thread without a seat has that of its
 * process's first thread, and a process without one all CPUs, whereas the kernel hands on what the
 * creating thread has at that moment. Memory policies are accepted and not applied.
 *
 * Clock. CLOCK_REALTIME is ahead by the nanoseconds in a file that stays mapped, so that a step
 * reaches all programs of the host at once. A timed wait under way when the clock is stepped still
 * ends when it would have; the kernel's would end with the step. Clocks that the kernel keeps for
 * others to see (times of files, timers on the wall clock, the clock of a child without the shim)
 * are not shifted.
 *
 * Both files lie beside the library, because libvirt hands on no variable that could tell where:
 *
 *   seats/TID   who may run where; the numbers are those of the host's pid namespace
 *   clock       one signed 64-bit number in this machine's byte order
 *
 * Built without the C library's headers, so that a compiler alone is enough; the declarations
 * below are those of glibc on 64-bit Linux. Needs glibc 2.34, which has dladdr in libc itself.
 */

typedef unsigned long size_t; typedef long ssize_t;
typedef int pid_t;
typedef unsigned long pthread_t;
typedef char only_for_64_bit_machines[sizeof(long) == 8 ? 1 : -1];

struct timespec { long tv_sec; long tv_nsec; }; struct timeval { long tv_sec; long tv_usec; };
typedef struct { const char *dli_fname; void *dli_fbase; const char *dli_sname; void *dli_saddr; } Dl_info;
/* The entry of a folder, and the head of what statfs(2) tells. */
struct dirent { unsigned long d_ino; long d_off; unsigned short d_reclen; unsigned char d_type; char d_name[256]; };
struct statfs { long f_type; long rest[31]; };

#define RTLD_NEXT ((void *)-1L)
#define O_RDONLY 0
#define O_WRONLY 1
#define O_RDWR 2
#define O_CREAT 0100
#define O_EXCL 0200
#define O_CLOEXEC 02000000
#define PROT_READ 1
#define MAP_SHARED 1
#define MAP_FAILED ((void *)-1L)
#define SEEK_END 2
#define LOCK_EX 2
#define ESRCH 3
#define EFAULT 14
#define EINVAL 22
#define CLOCK_REALTIME 0
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_TAI 11
#define TIME_UTC 1
#define SYSFS_MAGIC 0x62656572

int *__errno_location(void);
int open(const char *path, int flags, ...); int close(int fd);
ssize_t read(int fd, void *buffer, size_t bytes); ssize_t write(int fd, const void *buffer, size_t bytes);
long lseek(int fd, long offset, int whence);
int flock(int fd, int operation);
int rename(const char *from, const char *to); int unlink(const char *path);
int mkdir(const char *path, unsigned mode); int chmod(const char *path, unsigned mode);
int statfs(const char *path, struct statfs *result);
void *opendir(const char *path); struct dirent *readdir(void *folder); int closedir(void *folder);
void *mmap(void *address, size_t bytes, int protection, int flags, int fd, long offset);
void *dlsym(void *library, const char *name);
void *dlvsym(void *library, const char *name, const char *version);
int dladdr(const void *address, Dl_info *result);
int snprintf(char *text, size_t bytes, const char *format, ...);
long strtol(const char *text, char **end, int base);
char *strrchr(const char *text, int character); char *strstr(const char *text, const char *part);
size_t strlen(const char *text);
void *memcpy(void *to, const void *from, size_t bytes); void *memset(void *at, int value, size_t bytes);
int pthread_getcpuclockid(pthread_t thread, int *clock); pid_t gettid(void);

/* ---- where things are ---------------------------------------------------------------------- */

#define PATH_BYTES 4096
#define NAME_BYTES 300

/* The folder that the library lies in, without a slash at its end. */
static char folder[PATH_BYTES - 2 * NAME_BYTES];

static void path_of(char *path, const char *name)
{
	snprintf(path, PATH_BYTES, "%s/%.*s", folder, NAME_BYTES, name);
}

/* All that could be read of a file's first bytes, as a string; -1 when it cannot be opened. */
static ssize_t read_start(const char *path, char *text, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return -1;
	ssize_t got = read(fd, text, bytes - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got;
}

/* ---- threads ------------------------------------------------------------------------------- */

/*
 * When a thread began, in clock ticks since boot: field 22 of its stat file (proc(5)). Together with
 * its number that names a thread for ever, for the kernel gives numbers out again. 0: no such thread.
 */
static unsigned long born(pid_t tid)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", tid);
	if (read_start(path, text, sizeof text) <= 0) return 0;
	const char *at = strrchr(text, ')'); /* the command's name may hold spaces and brackets */
	for (int field = 2; at && field < 22; field++) {
		while (*at && *at != ' ') at++;
		if (*at == ' ') at++;
	}
	return at ? (unsigned long)strtol(at, 0, 10) : 0;
}

/* The first thread of a thread's process, whose number is also the process's. 0: no such thread. */
static pid_t leader_of(pid_t tid)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/status", tid);
	if (read_start(path, text, sizeof text) <= 0) return 0;
	const char *at = strstr(text, "\nTgid:");
	return at ? (pid_t)strtol(at + 6, 0, 10) : 0;
}

/*
 * The number of a thread, which pthread_t does not tell. The kernel puts it, inverted, into the
 * clock that counts the thread's CPU time, above three bits for the kind of clock
 * (include/linux/posix-timers_types.h of the kernel).
 */
static pid_t number_of(pthread_t thread)
{
	int clock;
	return pthread_getcpuclockid(thread, &clock) == 0 ? ~(clock >> 3) : -1;
}

/* ---- seats --------------------------------------------------------------------------------- */

#define CPUS_MAX 8192

typedef struct { unsigned char bits[CPUS_MAX / 8]; } cpus_t;

/* The content of a seat file. A file that tells of another birth is about a thread that has ended. */
struct seat { unsigned long born; cpus_t cpus; };

/*
 * Whether CPUs are shown that the kernel may not have: only then are seats of use. Asked for as soon
 * as it is of interest, since other libraries' constructors may run before the one here.
 */
static int cpus_are_shown(void)
{
	static enum { unknown, no, yes } answer;
	struct statfs system;
	if (answer == unknown) {
		int error = *__errno_location();
		int failed = statfs("/sys/devices/system/cpu", &system);
		answer = !failed && system.f_type != SYSFS_MAGIC ? yes : no;
		*__errno_location() = error;
	}
	return answer == yes;
}

static void add_range(cpus_t *cpus, long first, long last)
{
	for (long cpu = first; cpu <= last && cpu < CPUS_MAX; cpu++) cpus->bits[cpu / 8] |= 1 << cpu % 8;
}

/* Reads the shown machine's CPUs that are online, a list as "0-63,128-191"; 0 when it cannot be. */
static int read_online(cpus_t *online)
{
	static const char path[] = "/sys/devices/system/cpu/online";
	char text[512];
	long number = -1, first = -1;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return 0;
	memset(online, 0, sizeof *online);
	while ((got = read(fd, text, sizeof text)) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				number = (number < 0 ? 0 : number * 10) + (text[i] - '0');
				if (number > CPUS_MAX) number = CPUS_MAX;
			} else if (text[i] == '-') {
				first = number;
				number = -1;
			} else {
				if (number >= 0) add_range(online, first < 0 ? number : first, number);
				first = number = -1;
			}
		}
	}
	close(fd);
	if (number >= 0) add_range(online, first < 0 ? number : first, number);
	return 1;
}

static int highest(const cpus_t *cpus)
{
	int cpu = CPUS_MAX - 1;
	while (cpu >= 0 && !(cpus->bits[cpu / 8] >> cpu % 8 & 1)) cpu--;
	return cpu;
}

static void keep_only(cpus_t *cpus, const cpus_t *those)
{
	for (size_t i = 0; i < sizeof cpus->bits; i++) cpus->bits[i] &= those->bits[i];
}

static void seat_path(char *path, pid_t tid)
{
	char name[32];
	snprintf(name, sizeof name, "seats/%d", tid);
	path_of(path, name);
}

/* Finds the seat of a thread that is alive; 0 when it has none. */
static int read_seat(pid_t tid, struct seat *seat)
{
	char path[PATH_BYTES];
	seat_path(path, tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return 0;
	ssize_t got = read(fd, seat, sizeof *seat);
	close(fd);
	return got == sizeof *seat && seat->born == born(tid);
}

/* Removes the seats of threads that have ended. The folder is locked, so none is new meanwhile. */
static void sweep_seats(const char *seats)
{
	static struct seat seat; /* guarded by the lock, and too large for a small stack */
	void *entries = opendir(seats);
	if (!entries) return;
	for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
		char path[PATH_BYTES];
		pid_t tid = (pid_t)strtol(entry->d_name, 0, 10);
		if (tid <= 0 || read_seat(tid, &seat)) continue;
		seat_path(path, tid);
		unlink(path);
	}
	closedir(entries);
}

/*
 * Keeps a seat. Readers take no lock: they find the old file or the new one, never half of one. The
 * seats of the dead are swept out when a process's first thread gets its own, about once a guest.
 */
static int write_seat(pid_t tid, const struct seat *seat)
{
	char seats[PATH_BYTES], path[PATH_BYTES], fresh[PATH_BYTES];
	path_of(seats, "seats");
	path_of(fresh, "seats/new");
	seat_path(path, tid);
	int lock = open(seats, O_RDONLY | O_CLOEXEC);
	if (lock < 0) return -1;
	flock(lock, LOCK_EX);
	if (leader_of(tid) == tid) sweep_seats(seats);
	unlink(fresh); /* of a writer that was killed, perhaps another user's */
	int result = -1;
	/* Root writes in a folder of QEMU's user here: O_EXCL takes no file that is there, nor a link. */
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0) {
		if (write(fd, seat, sizeof *seat) == sizeof *seat) result = rename(fresh, path);
		close(fd);
	}
	close(lock); /* which unlocks it */
	return result;
}

static int fail(int error)
{
	*__errno_location() = error;
	return -1;
}

static int set_seat(pid_t tid, size_t bytes, const void *mask)
{
	struct seat seat;
	cpus_t online;
	if (!mask) return fail(EFAULT);
	memset(&seat, 0, sizeof seat);
	memcpy(&seat.cpus, mask, bytes < sizeof seat.cpus ? bytes : sizeof seat.cpus);
	if (read_online(&online)) keep_only(&seat.cpus, &online);
	if (highest(&seat.cpus) < 0) return fail(EINVAL);
	seat.born = born(tid);
	if (seat.born == 0) return fail(ESRCH);
	return write_seat(tid, &seat);
}

static int get_seat(pid_t tid, size_t bytes, void *mask)
{
	struct seat seat;
	cpus_t online;
	pid_t leader = leader_of(tid);
	if (leader == 0) return fail(ESRCH);
	if (!read_online(&online)) return fail(EINVAL);
	/* As the kernel, which wants room for every CPU it has. */
	if (bytes % sizeof(long) != 0 || (long)bytes * 8 <= highest(&online)) return fail(EINVAL);
	if (!read_seat(tid, &seat) && !read_seat(leader, &seat)) seat.cpus = online;
	keep_only(&seat.cpus, &online);
	memset(mask, 0, bytes);
	memcpy(mask, &seat.cpus, bytes < sizeof seat.cpus ? bytes : sizeof seat.cpus);
	return 0;
}

/* ---- the functions that programs meet instead of the C library's and libnuma's --------------- */

/* Looks up the function that would have been called without this library: next_NAME. */
#define FIND_NEXT(name) do { if (!next_##name) next_##name = dlsym(RTLD_NEXT, #name); } while (0)

static int (*next_sched_setaffinity)(pid_t, size_t, const void *);
static int (*next_sched_getaffinity)(pid_t, size_t, void *);
static int (*next_pthread_setaffinity_np)(pthread_t, size_t, const void *);
static int (*next_pthread_getaffinity_np)(pthread_t, size_t, void *);
static long (*next_mbind)(void *, unsigned long, int, const unsigned long *, unsigned long, unsigned);
static long (*next_set_mempolicy)(int, const unsigned long *, unsigned long);
static int (*next_numa_num_possible_cpus)(void);

int sched_setaffinity(pid_t pid, size_t bytes, const void *mask)
{
	FIND_NEXT(sched_setaffinity);
	if (!cpus_are_shown()) return next_sched_setaffinity(pid, bytes, mask);
	return set_seat(pid == 0 ? gettid() : pid, bytes, mask);
}

int sched_getaffinity(pid_t pid, size_t bytes, void *mask)
{
	FIND_NEXT(sched_getaffinity);
	if (!cpus_are_shown()) return next_sched_getaffinity(pid, bytes, mask);
	return get_seat(pid == 0 ? gettid() : pid, bytes, mask);
}

/* These return the error's number instead of setting errno. */
int pthread_setaffinity_np(pthread_t thread, size_t bytes, const void *mask)
{
	FIND_NEXT(pthread_setaffinity_np);
	if (!cpus_are_shown()) return next_pthread_setaffinity_np(thread, bytes, mask);
	return set_seat(number_of(thread), bytes, mask) == 0 ? 0 : *__errno_location();
}

int pthread_getaffinity_np(pthread_t thread, size_t bytes, void *mask)
{
	FIND_NEXT(pthread_getaffinity_np);
	if (!cpus_are_shown()) return next_pthread_getaffinity_np(thread, bytes, mask);
	return get_seat(number_of(thread), bytes, mask) == 0 ? 0 : *__errno_location();
}

/* libnuma's own functions, such as numa_set_membind, come here too. */
long mbind(void *start, unsigned long bytes, int mode, const unsigned long *cells, unsigned long cells_max, unsigned flags)
{
	FIND_NEXT(mbind);
	if (!cpus_are_shown()) return next_mbind(start, bytes, mode, cells, cells_max, flags);
	return 0;
}

long set_mempolicy(int mode, const unsigned long *cells, unsigned long cells_max)
{
	FIND_NEXT(set_mempolicy);
	if (!cpus_are_shown()) return next_set_mempolicy(mode, cells, cells_max);
	return 0;
}

/* libnuma asks the kernel how wide masks are, and would cut the CPU lists of cells to that. */
int numa_num_possible_cpus(void)
{
	FIND_NEXT(numa_num_possible_cpus);
	if (!cpus_are_shown()) return next_numa_num_possible_cpus();
	return CPUS_MAX;
}

/* ---- the clock ----------------------------------------------------------------------------- */

#define SECOND_NS 1000000000L

static const long no_step = 0;
/* How far the wall clock is ahead, in nanoseconds; an aligned load of it is never torn. */
static const volatile long *step_ns = &no_step;

static int (*next_clock_gettime)(int, struct timespec *);
static int (*next_pthread_cond_timedwait)(void *, void *, const struct timespec *);

static void shift(struct timespec *time, long by_ns)
{
	time->tv_sec += by_ns / SECOND_NS;
	time->tv_nsec += by_ns % SECOND_NS;
	if (time->tv_nsec >= SECOND_NS) {
		time->tv_sec++;
		time->tv_nsec -= SECOND_NS;
	} else if (time->tv_nsec < 0) {
		time->tv_sec--;
		time->tv_nsec += SECOND_NS;
	}
}

int clock_gettime(int clock, struct timespec *time)
{
	FIND_NEXT(clock_gettime);
	int result = next_clock_gettime(clock, time);
	if (result != 0) return result;
	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_REALTIME_ALARM ||
	    clock == CLOCK_TAI)
		shift(time, *step_ns);
	return 0;
}

int gettimeofday(struct timeval *time, void *timezone)
{
	struct timespec now;
	if (timezone) memset(timezone, 0, 2 * sizeof(int)); /* what Linux says: minutes west, summer time */
	if (!time) return 0;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
	time->tv_sec = now.tv_sec;
	time->tv_usec = now.tv_nsec / 1000;
	return 0;
}

long time(long *result)
{
	struct timespec now;
	if (clock_gettime(CLOCK_REALTIME_COARSE, &now) != 0) return -1;
	if (result) *result = now.tv_sec;
	return now.tv_sec;
}

int timespec_get(struct timespec *time, int base)
{
	if (base != TIME_UTC || clock_gettime(CLOCK_REALTIME, time) != 0) return 0;
	return base;
}

/*
 * A deadline that a program has worked out from the shifted clock is shifted back for the kernel,
 * else a wait of 30 seconds would last an hour and 30 seconds. A condition may go by the monotonic
 * clock instead, and does not tell: but that counts from the machine's start, so a deadline of 1990
 * or later is the wall clock's.
 */
int pthread_cond_timedwait(void *condition, void *mutex, const struct timespec *deadline)
{
	static const long year_1990_s = 631152000;
	if (!next_pthread_cond_timedwait) /* of the two that x86-64 has, not the one from before 2003 */
		next_pthread_cond_timedwait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
	FIND_NEXT(pthread_cond_timedwait);
	if (!deadline || deadline->tv_sec < year_1990_s)
		return next_pthread_cond_timedwait(condition, mutex, deadline);
	struct timespec real = *deadline;
	shift(&real, -*step_ns);
	return next_pthread_cond_timedwait(condition, mutex, &real);
}

/* ---- start --------------------------------------------------------------------------------- */

static void find_folder(void)
{
	Dl_info self;
	if (!dladdr((void *)path_of, &self) || strlen(self.dli_fname) >= sizeof folder) return;
	memcpy(folder, self.dli_fname, strlen(self.dli_fname) + 1);
	char *slash = strrchr(folder, '/');
	if (slash) *slash = '\0';
}

/* The first program to come, libvirtd as root, makes the file; QEMU's user can only read it. */
static void map_clock(void)
{
	char path[PATH_BYTES];
	path_of(path, "clock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0 && lseek(fd, 0, SEEK_END) == 0 && write(fd, &no_step, sizeof no_step) < 0) {
		close(fd);
		return;
	}
	if (fd < 0) fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return;
	if (lseek(fd, 0, SEEK_END) >= (long)sizeof no_step) {
		void *map = mmap(0, sizeof no_step, PROT_READ, MAP_SHARED, fd, 0);
		if (map != MAP_FAILED) step_ns = map;
	}
	close(fd);
}

static void __attribute__((constructor)) start(void)
{
	char seats[PATH_BYTES];
	int error = *__errno_location();
	find_folder();
	map_clock();
	path_of(seats, "seats");
	/* For QEMU's user too, whatever the umask, but to each his own. Only its maker may change it. */
	if (cpus_are_shown() && mkdir(seats, 01777) == 0) chmod(seats, 01777);
	*__errno_location() = error;
}
