import { containerd, google } from "../../proto/gen/daemon.js";
import { ServiceMethods } from "./method.ts";

const { Empty } = google.protobuf;
const { services } = containerd;

function versionMethods() {
  const { VersionResponse } = services.version.v1;
  return { get: new ServiceMethods("version.v1.Version").unary("Version", Empty, VersionResponse) };
}

function introspectionMethods() {
  const service = new ServiceMethods("introspection.v1.Introspection");
  const m = services.introspection.v1;
  return {
    server: service.unary("Server", Empty, m.ServerResponse),
    plugins: service.unary("Plugins", m.PluginsRequest, m.PluginsResponse),
  };
}

function namespacesMethods() {
  const service = new ServiceMethods("namespaces.v1.Namespaces");
  const m = services.namespaces.v1;
  return {
    get: service.unary("Get", m.GetNamespaceRequest, m.GetNamespaceResponse),
    list: service.unary("List", m.ListNamespacesRequest, m.ListNamespacesResponse),
    create: service.unary("Create", m.CreateNamespaceRequest, m.CreateNamespaceResponse),
    update: service.unary("Update", m.UpdateNamespaceRequest, m.UpdateNamespaceResponse),
    delete: service.unary("Delete", m.DeleteNamespaceRequest, Empty),
  };
}

function containersMethods() {
  const service = new ServiceMethods("containers.v1.Containers");
  const m = services.containers.v1;
  return {
    get: service.unary("Get", m.GetContainerRequest, m.GetContainerResponse),
    list: service.unary("List", m.ListContainersRequest, m.ListContainersResponse),
    create: service.unary("Create", m.CreateContainerRequest, m.CreateContainerResponse),
    update: service.unary("Update", m.UpdateContainerRequest, m.UpdateContainerResponse),
    delete: service.unary("Delete", m.DeleteContainerRequest, Empty),
  };
}

function tasksMethods() {
  const service = new ServiceMethods("tasks.v1.Tasks");
  const m = services.tasks.v1;
  return {
    create: service.unary("Create", m.CreateTaskRequest, m.CreateTaskResponse),
    start: service.unary("Start", m.StartRequest, m.StartResponse),
    delete: service.unary("Delete", m.DeleteTaskRequest, m.DeleteResponse),
    deleteProcess: service.unary("DeleteProcess", m.DeleteProcessRequest, m.DeleteResponse),
    get: service.unary("Get", m.GetRequest, m.GetResponse),
    list: service.unary("List", m.ListTasksRequest, m.ListTasksResponse),
    kill: service.unary("Kill", m.KillRequest, Empty),
    exec: service.unary("Exec", m.ExecProcessRequest, Empty),
    resizePty: service.unary("ResizePty", m.ResizePtyRequest, Empty),
    closeIO: service.unary("CloseIO", m.CloseIORequest, Empty),
    pause: service.unary("Pause", m.PauseTaskRequest, Empty),
    resume: service.unary("Resume", m.ResumeTaskRequest, Empty),
    listPids: service.unary("ListPids", m.ListPidsRequest, m.ListPidsResponse),
    update: service.unary("Update", m.UpdateTaskRequest, Empty),
    metrics: service.unary("Metrics", m.MetricsRequest, m.MetricsResponse),
    wait: service.unary("Wait", m.WaitRequest, m.WaitResponse),
  };
}

function imagesMethods() {
  const service = new ServiceMethods("images.v1.Images");
  const m = services.images.v1;
  return {
    get: service.unary("Get", m.GetImageRequest, m.GetImageResponse),
    list: service.unary("List", m.ListImagesRequest, m.ListImagesResponse),
    create: service.unary("Create", m.CreateImageRequest, m.CreateImageResponse),
    update: service.unary("Update", m.UpdateImageRequest, m.UpdateImageResponse),
    delete: service.unary("Delete", m.DeleteImageRequest, Empty),
  };
}

function contentMethods() {
  const service = new ServiceMethods("content.v1.Content");
  const m = services.content.v1;
  return {
    info: service.unary("Info", m.InfoRequest, m.InfoResponse),
    update: service.unary("Update", m.UpdateRequest, m.UpdateResponse),
    list: service.stream("List", m.ListContentRequest, m.ListContentResponse),
    delete: service.unary("Delete", m.DeleteContentRequest, Empty),
    read: service.stream("Read", m.ReadContentRequest, m.ReadContentResponse),
    status: service.unary("Status", m.StatusRequest, m.StatusResponse),
    listStatuses: service.unary("ListStatuses", m.ListStatusesRequest, m.ListStatusesResponse),
    write: service.duplex("Write", m.WriteContentRequest, m.WriteContentResponse),
    abort: service.unary("Abort", m.AbortRequest, Empty),
  };
}

function snapshotsMethods() {
  const service = new ServiceMethods("snapshots.v1.Snapshots");
  const m = services.snapshots.v1;
  return {
    prepare: service.unary("Prepare", m.PrepareSnapshotRequest, m.PrepareSnapshotResponse),
    view: service.unary("View", m.ViewSnapshotRequest, m.ViewSnapshotResponse),
    mounts: service.unary("Mounts", m.MountsRequest, m.MountsResponse),
    commit: service.unary("Commit", m.CommitSnapshotRequest, Empty),
    remove: service.unary("Remove", m.RemoveSnapshotRequest, Empty),
    stat: service.unary("Stat", m.StatSnapshotRequest, m.StatSnapshotResponse),
    update: service.unary("Update", m.UpdateSnapshotRequest, m.UpdateSnapshotResponse),
    list: service.stream("List", m.ListSnapshotsRequest, m.ListSnapshotsResponse),
    usage: service.unary("Usage", m.UsageRequest, m.UsageResponse),
  };
}

function diffMethods() {
  const service = new ServiceMethods("diff.v1.Diff");
  const m = services.diff.v1;
  return {
    apply: service.unary("Apply", m.ApplyRequest, m.ApplyResponse),
    diff: service.unary("Diff", m.DiffRequest, m.DiffResponse),
  };
}

function leasesMethods() {
  const service = new ServiceMethods("leases.v1.Leases");
  const m = services.leases.v1;
  return {
    create: service.unary("Create", m.CreateRequest, m.CreateResponse),
    delete: service.unary("Delete", m.DeleteRequest, Empty),
    list: service.unary("List", m.ListRequest, m.ListResponse),
    addResource: service.unary("AddResource", m.AddResourceRequest, Empty),
    listResources: service.unary("ListResources", m.ListResourcesRequest, m.ListResourcesResponse),
  };
}

function eventsMethods() {
  const service = new ServiceMethods("events.v1.Events");
  return {
    subscribe: service.stream("Subscribe", services.events.v1.SubscribeRequest, containerd.types.Envelope),
  };
}

/** containerd's API: the methods that clients call, by service. */
export const api = {
  version: versionMethods(),
  introspection: introspectionMethods(),
  namespaces: namespacesMethods(),
  containers: containersMethods(),
  tasks: tasksMethods(),
  images: imagesMethods(),
  content: contentMethods(),
  snapshots: snapshotsMethods(),
  diff: diffMethods(),
  leases: leasesMethods(),
  events: eventsMethods(),
};
