package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/client"
	"github.com/google/trillian/extension"
	logs "github.com/google/trillian/log"
	"github.com/google/trillian/monitoring"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/server/interceptor"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// serveTrillian is Trillian's own log server, admin server and sequencer over its own storage in
// memory. Upstream's programs want a database, and two processes cannot share the memory. It makes two
// logs and writes their numbers, each on a line, to the file.
func serveTrillian(address, file string) error {
	ctx := context.Background()
	metrics := monitoring.InertMetricFactory{}
	trees := memory.NewTreeStorage()
	registry := extension.Registry{
		AdminStorage:  memory.NewAdminStorage(trees),
		LogStorage:    &withoutDuplicates{LogStorage: memory.NewLogStorage(trees, metrics), known: map[leafName]*trillian.LogLeaf{}},
		QuotaManager:  quota.Noop(),
		MetricFactory: metrics,
	}
	services := grpc.NewServer(grpc.UnaryInterceptor(interceptor.ErrorWrapper))
	trillian.RegisterTrillianAdminServer(services, admin.New(registry, nil))
	trillian.RegisterTrillianLogServer(services, server.NewTrillianLogRPCServer(registry, clock.System))
	sequencer := logs.NewOperationManager(logs.OperationInfo{
		Registry:    registry,
		BatchSize:   100,
		NumWorkers:  1,
		RunInterval: 50 * time.Millisecond,
		TimeSource:  clock.System,
	}, logs.NewSequencerManager(registry, 0))
	go sequencer.OperationLoop(ctx)

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- services.Serve(listener) }()

	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	var numbers string
	for _, name := range []string{"ctlog", "rekor1"} {
		wanted := &trillian.CreateTreeRequest{Tree: &trillian.Tree{
			TreeState:       trillian.TreeState_ACTIVE,
			TreeType:        trillian.TreeType_LOG,
			DisplayName:     name,
			MaxRootDuration: durationpb.New(time.Hour),
		}}
		tree, err := client.CreateAndInitTree(ctx, wanted, trillian.NewTrillianAdminClient(connection), trillian.NewTrillianLogClient(connection))
		if err != nil {
			return err
		}
		numbers += fmt.Sprintln(tree.TreeId)
	}
	if err := writeFile(file, numbers); err != nil {
		return err
	}
	return <-failed
}

// leafName is what tells a leaf from others.
type leafName struct {
	tree int64
	hash string
}

// withoutDuplicates adds what the databases do and the memory does not: it knows a leaf that is there
// already. Without it Rekor 1 answers a second entry of the same content with 500 instead of 409.
type withoutDuplicates struct {
	storage.LogStorage
	mutex sync.Mutex
	known map[leafName]*trillian.LogLeaf
}

func (s *withoutDuplicates) QueueLeaves(ctx context.Context, tree *trillian.Tree, leaves []*trillian.LogLeaf, at time.Time) ([]*trillian.QueuedLogLeaf, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	queued := make([]*trillian.QueuedLogLeaf, len(leaves))
	for i, leaf := range leaves {
		name := leafName{tree.TreeId, string(leaf.LeafIdentityHash)}
		if old := s.known[name]; old != nil {
			exists := status.Newf(codes.AlreadyExists, "leaf already exists: %x", leaf.LeafIdentityHash)
			queued[i] = &trillian.QueuedLogLeaf{Leaf: old, Status: exists.Proto()}
			continue
		}
		added, err := s.LogStorage.QueueLeaves(ctx, tree, leaves[i:i+1], at)
		if err != nil {
			return nil, err
		}
		s.known[name], queued[i] = leaf, added[0]
	}
	return queued, nil
}
