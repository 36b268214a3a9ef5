import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ReactFlow } from "@xyflow/react";
import "@xyflow/react/dist/style.css";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <div style={{ width: 600, height: 400 }}>
      <ReactFlow
        nodes={[
          { id: "a", position: { x: 0, y: 0 }, data: { label: "seeker" } },
          { id: "b", position: { x: 100, y: 100 }, data: { label: "planner" } },
        ]}
        edges={[{ id: "ab", source: "a", target: "b", label: "support" }]}
        fitView
      />
    </div>
  </StrictMode>,
);
