/** What a domain's job is like (VIR_DOMAIN_JOB_*). */
export const DomainJobType = {
  none: 0,
  /** Its end can be foreseen. */
  bounded: 1,
  /** Its end cannot, as in a live migration. */
  unbounded: 2,
  completed: 3,
  failed: 4,
  cancelled: 5,
} as const;

/** What a job does, the figure `operation` of its statistics (VIR_DOMAIN_JOB_OPERATION_*). */
export const DomainJobOperation = {
  unknown: 0,
  start: 1,
  save: 2,
  restore: 3,
  migrationIn: 4,
  migrationOut: 5,
  snapshot: 6,
  snapshotRevert: 7,
  dump: 8,
  /** Libvirt 6.0. */
  backup: 9,
  /** Libvirt 9.0. */
  snapshotDelete: 10,
} as const;

/** Which job's statistics are given (VIR_DOMAIN_JOB_STATS_*). */
export const DomainJobStatsFlag = {
  /** Those of the last job that ended, which are then forgotten. */
  completed: 1 << 0,
  /** With `completed`: they are not forgotten. Libvirt 6.0. */
  keepCompleted: 1 << 1,
} as const;

/** How a job is aborted (VIR_DOMAIN_ABORT_JOB_*). */
export const DomainAbortJobFlag = {
  /** Interrupts a post-copy migration, which can then only be resumed. Libvirt 8.5. */
  postcopy: 1 << 0,
} as const;

/**
 * Names of a job's figures (VIR_DOMAIN_JOB_*): ullong, times in ms and amounts in bytes, unless said
 * otherwise. A job gives those that mean something to it.
 */
export const DomainJobStat = {
  /** Int: a DomainJobOperation. */
  operation: 'operation',
  timeElapsed: 'time_elapsed',
  /** Without the time to hand over from host to host, whose clocks may differ. */
  timeElapsedNet: 'time_elapsed_net',
  timeRemaining: 'time_remaining',
  /** How long the guest is expected to stand still; after the end how long it did. */
  downtime: 'downtime',
  downtimeNet: 'downtime_net',
  setupTime: 'setup_time',
  /** Memory and disks together. */
  dataTotal: 'data_total',
  dataProcessed: 'data_processed',
  dataRemaining: 'data_remaining',
  memoryTotal: 'memory_total',
  memoryProcessed: 'memory_processed',
  memoryRemaining: 'memory_remaining',
  /** Pages of one repeated byte, mostly zero. */
  memoryConstant: 'memory_constant',
  /** Pages sent as they are. */
  memoryNormal: 'memory_normal',
  memoryNormalBytes: 'memory_normal_bytes',
  /** Bytes per second. */
  memoryBps: 'memory_bps',
  /** Pages per second that the guest writes to. */
  memoryDirtyRate: 'memory_dirty_rate',
  /** Bytes of a page, for the figures that are pages. */
  memoryPageSize: 'memory_page_size',
  /** Which pass over the memory it is, from 0. */
  memoryIteration: 'memory_iteration',
  /** Pages that a post-copy destination asked for. */
  memoryPostcopyReqs: 'memory_postcopy_requests',
  diskTotal: 'disk_total',
  diskProcessed: 'disk_processed',
  diskRemaining: 'disk_remaining',
  /** Bytes per second. */
  diskBps: 'disk_bps',
  compressionCache: 'compression_cache',
  compressionBytes: 'compression_bytes',
  /** Pages. */
  compressionPages: 'compression_pages',
  /** Pages that changed again but were no longer in the cache. */
  compressionCacheMisses: 'compression_cache_misses',
  /** Pages that would have been larger compressed. */
  compressionOverflow: 'compression_overflow',
  /** Int: percent by which the guest's CPUs are slowed down. */
  autoConvergeThrottle: 'auto_converge_throttle',
  /** Boolean, of a backup that ended. Libvirt 6.0. */
  success: 'success',
  /** String, of a job that failed and has something to say. Libvirt 6.3. */
  errmsg: 'errmsg',
  /** Of a pull-mode backup: what its scratch files hold. Libvirt 6.0. */
  diskTempUsed: 'disk_temp_used',
  diskTempTotal: 'disk_temp_total',
  /** State of assigned devices. Libvirt 10.6. */
  vfioDataTransferred: 'vfio_data_transferred',
} as const;

/** How a domain migrates (VIR_MIGRATE_*). */
export const DomainMigrateFlag = {
  /** The guest runs meanwhile. */
  live: 1 << 0,
  /** The source's daemon drives it all and connects to the destination itself. */
  peer2peer: 1 << 1,
  /** Memory goes through the daemons' connection; needs `peer2peer`. */
  tunnelled: 1 << 2,
  /** Is defined at the destination. */
  persistDest: 1 << 3,
  /** Is no longer defined at the source. */
  undefineSource: 1 << 4,
  /** Stays paused at the destination. */
  paused: 1 << 5,
  /** Copies disks that are not shared. */
  nonSharedDisk: 1 << 6,
  /** Copies the top images of disks that are not shared; those below must be there. */
  nonSharedInc: 1 << 7,
  /** Fails where either side cannot keep the definition from changing meanwhile. */
  changeProtection: 1 << 8,
  /** Also where libvirt sees a danger for the disks (code 81). */
  unsafe: 1 << 9,
  /** Moves the definition of a domain that is off; needs `persistDest`. */
  offline: 1 << 10,
  compressed: 1 << 11,
  /** Gives up when a disk fails meanwhile. */
  abortOnError: 1 << 12,
  /** Slows the guest's CPUs down until its memory can be caught up with. */
  autoConverge: 1 << 13,
  rdmaPinAll: 1 << 14,
  /** Allows `domainMigrateStartPostCopy`. */
  postcopy: 1 << 15,
  tls: 1 << 16,
  /** Sends memory over several connections. Libvirt 5.2. */
  parallel: 1 << 17,
  /** Writes of the guest wait for the copy of the disk. Libvirt 8.0. */
  nonSharedSynchronousWrites: 1 << 18,
  /** Goes on with a post-copy migration that was interrupted. Libvirt 8.5. */
  postcopyResume: 1 << 19,
  /** Sends without copying; needs `parallel`. Libvirt 8.5. */
  zerocopy: 1 << 20,
} as const;

/** Names of the parameters of a migration (VIR_MIGRATE_PARAM_*). */
export const DomainMigrateParam = {
  /** String: where QEMU sends memory to, such as tcp://192.0.2.7. */
  uri: 'migrate_uri',
  /** String: its name at the destination. */
  destName: 'destination_name',
  /** String: XML to run with at the destination; nothing that the guest sees may differ. */
  destXml: 'destination_xml',
  /** String: XML to define at the destination. */
  persistXml: 'persistent_xml',
  /** Ullong: limit in MiB/s. */
  bandwidth: 'bandwidth',
  /** Ullong: limit in MiB/s of the post-copy phase. Libvirt 5.1. */
  bandwidthPostcopy: 'bandwidth.postcopy',
  /** Ullong: MiB/s to reckon with when it is decided whether the pause would be short enough. Libvirt 11.1. */
  bandwidthAvailSwitchover: 'bandwidth.avail.switchover',
  /** String: where clients of its screen are sent to. */
  graphicsUri: 'graphics_uri',
  /** String: the address at the destination on which QEMU waits. */
  listenAddress: 'listen_address',
  /** String, may repeat: target of a disk to copy. */
  migrateDisks: 'migrate_disks',
  /** String, may repeat: target of a disk whose zeroes are looked for. Libvirt 10.9. */
  migrateDisksDetectZeroes: 'migrate_disks_detect_zeroes',
  /** Int: port at the destination for disks. */
  disksPort: 'disks_port',
  /** String: tcp or unix URI at the destination for disks. Libvirt 6.8. */
  disksUri: 'disks_uri',
  /** String, may repeat: a way to compress, `xbzrle` or `mt`; since libvirt 9.4 `zlib` or `zstd`. */
  compression: 'compression',
  /** Int, 0 to 9. */
  compressionMtLevel: 'compression.mt.level',
  compressionMtThreads: 'compression.mt.threads',
  compressionMtDthreads: 'compression.mt.dthreads',
  /** Ullong: bytes. */
  compressionXbzrleCache: 'compression.xbzrle.cache',
  /** Int, 0 to 9. Libvirt 9.4. */
  compressionZlibLevel: 'compression.zlib.level',
  /** Int, 0 to 20. Libvirt 9.4. */
  compressionZstdLevel: 'compression.zstd.level',
  /** Int: percent by which the CPUs are slowed down at first. */
  autoConvergeInitial: 'auto_converge.initial',
  /** Int: percent by which more each time. */
  autoConvergeIncrement: 'auto_converge.increment',
  /** Int. Libvirt 5.2. */
  parallelConnections: 'parallel.connections',
  /** String: the name in the destination's certificate. Libvirt 6.0. */
  tlsDestination: 'tls.destination',
} as const;

/** Which limit of migrations is meant (VIR_DOMAIN_MIGRATE_MAX_SPEED_*). */
export const DomainMigrateMaxSpeedFlag = {
  /** That of the post-copy phase. Libvirt 5.1. */
  postcopy: 1 << 0,
} as const;
