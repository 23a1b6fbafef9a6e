package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

// Ten years: a local cluster never outlives its certificates, and nothing renews them.
const validity = 10 * 365 * 24 * time.Hour

// identity is a key with its certificate.
type identity struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

// pki writes all secrets of one cluster into a folder. What exists already is kept.
type pki struct {
	folder, cluster, server string
}

func newPKICommand() *cobra.Command {
	var output pki
	var node, nodeAddress, serviceAddress string
	command := &cobra.Command{
		Use:           "pki",
		Short:         "Writes the cluster's authorities, certificates, service-account keys and kubeconfigs into a folder",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: false,
		RunE: func(*cobra.Command, []string) error {
			return output.write(node, net.ParseIP(nodeAddress), net.ParseIP(serviceAddress))
		},
	}
	flags := command.Flags()
	flags.StringVar(&output.folder, "folder", "", "folder that receives the files")
	flags.StringVar(&output.cluster, "cluster", "", "name of cluster and context in the kubeconfigs")
	flags.StringVar(&node, "node", "", "name of the only node")
	flags.StringVar(&nodeAddress, "node-address", "", "address of the API server and of the node")
	flags.StringVar(&serviceAddress, "service-address", "", "cluster address of the Service kubernetes")
	for _, name := range []string{"folder", "cluster", "node", "node-address", "service-address"} {
		if err := command.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
	return command
}

func (p pki) write(node string, nodeAddress, serviceAddress net.IP) error {
	if nodeAddress == nil || serviceAddress == nil {
		return errors.New("failed to parse the addresses of node and service")
	}
	if err := os.MkdirAll(p.folder, 0o700); err != nil {
		return fmt.Errorf("failed to create the folder %s: %w", p.folder, err)
	}
	p.server = "https://" + net.JoinHostPort(nodeAddress.String(), "6443")
	authority, err := p.authority("ca", "kubernetes")
	if err != nil {
		return err
	}
	frontProxy, err := p.authority("front-proxy-ca", "front-proxy")
	if err != nil {
		return err
	}
	if err := p.serviceAccountKeys(); err != nil {
		return err
	}
	for _, request := range requests(node, nodeAddress, serviceAddress) {
		issuer := authority
		if request.frontProxy {
			issuer = frontProxy
		}
		if err := p.issue(request, issuer); err != nil {
			return err
		}
	}
	return nil
}

// request describes one certificate.
type request struct {
	file         string
	commonName   string
	organization string
	names        []string
	addresses    []net.IP
	frontProxy   bool
	kubeconfig   bool
}

func requests(node string, nodeAddress, serviceAddress net.IP) []request {
	loopback := net.IPv4(127, 0, 0, 1)
	return []request{
		{file: "apiserver", commonName: "kube-apiserver",
			names: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
				"kubernetes.default.svc.cluster.local"},
			addresses: []net.IP{nodeAddress, serviceAddress, loopback}},
		{file: "apiserver-kubelet-client", commonName: "kube-apiserver-kubelet-client", organization: "system:masters"},
		{file: "front-proxy-client", commonName: "front-proxy-client", frontProxy: true},
		{file: "kubelet", commonName: "system:node:" + node, organization: "system:nodes",
			names: []string{node}, addresses: []net.IP{nodeAddress}, kubeconfig: true},
		{file: "admin", commonName: "realtime-admin", organization: "system:masters", kubeconfig: true},
		{file: "cluster-services", commonName: "realtime-cluster-services", organization: "system:masters", kubeconfig: true},
		{file: "controller-manager", commonName: "system:kube-controller-manager", kubeconfig: true},
		{file: "scheduler", commonName: "system:kube-scheduler", kubeconfig: true},
		{file: "proxy", commonName: "system:kube-proxy", kubeconfig: true},
	}
}

func (p pki) authority(file, commonName string) (identity, error) {
	if existing, err := p.load(file); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return existing, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: commonName},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	return p.sign(file, template, nil)
}

func (p pki) issue(request request, issuer identity) error {
	issued, err := p.load(request.file)
	if errors.Is(err, fs.ErrNotExist) {
		template := &x509.Certificate{
			Subject:     pkix.Name{CommonName: request.commonName},
			KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
			DNSNames:    request.names,
			IPAddresses: request.addresses,
		}
		if request.organization != "" {
			template.Subject.Organization = []string{request.organization}
		}
		issued, err = p.sign(request.file, template, &issuer)
	}
	if err != nil || !request.kubeconfig {
		return err
	}
	return p.kubeconfig(request.file, issuer, issued)
}

// sign creates a key and its certificate; without an issuer the certificate signs itself.
func (p pki) sign(file string, template *x509.Certificate, issuer *identity) (identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, fmt.Errorf("failed to generate the key of %s: %w", file, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return identity{}, fmt.Errorf("failed to draw a serial number: %w", err)
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(validity)
	parent, signer := template, crypto.Signer(key)
	if issuer != nil {
		parent, signer = issuer.certificate, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return identity{}, fmt.Errorf("failed to sign the certificate %s: %w", file, err)
	}
	// The certificate is written last: it marks the pair as complete.
	if err := p.writeKey(file+".key", key); err != nil {
		return identity{}, err
	}
	if err := p.writePEM(file+".crt", "CERTIFICATE", der); err != nil {
		return identity{}, err
	}
	return p.load(file)
}

func (p pki) load(file string) (identity, error) {
	der, err := p.readPEM(file + ".crt")
	if err != nil {
		return identity{}, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return identity{}, fmt.Errorf("failed to parse %s.crt: %w", file, err)
	}
	keyDER, err := p.readPEM(file + ".key")
	if err != nil {
		return identity{}, err
	}
	key, err := x509.ParseECPrivateKey(keyDER)
	if err != nil {
		return identity{}, fmt.Errorf("failed to parse %s.key: %w", file, err)
	}
	return identity{key: key, certificate: certificate}, nil
}

func (p pki) serviceAccountKeys() error {
	if _, err := p.readPEM("service-account.pub"); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("failed to generate the service-account key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("failed to encode the service-account key: %w", err)
	}
	if err := p.writeKey("service-account.key", key); err != nil {
		return err
	}
	return p.writePEM("service-account.pub", "PUBLIC KEY", public)
}

func (p pki) kubeconfig(file string, issuer, user identity) error {
	keyDER, err := x509.MarshalECPrivateKey(user.key)
	if err != nil {
		return fmt.Errorf("failed to encode the key of %s: %w", file, err)
	}
	encode := func(kind string, der []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: %[1]s
  cluster: {server: %[2]q, certificate-authority-data: %[3]s}
users:
- name: %[4]s
  user: {client-certificate-data: %[5]s, client-key-data: %[6]s}
contexts:
- name: %[1]s
  context: {cluster: %[1]s, user: %[4]s}
current-context: %[1]s
`, p.cluster, p.server, encode("CERTIFICATE", issuer.certificate.Raw), file,
		encode("CERTIFICATE", user.certificate.Raw), encode("EC PRIVATE KEY", keyDER))
	return p.writeFile(file+".kubeconfig", []byte(text))
}

func (p pki) writeKey(file string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("failed to encode %s: %w", file, err)
	}
	return p.writePEM(file, "EC PRIVATE KEY", der)
}

func (p pki) writePEM(file, kind string, der []byte) error {
	return p.writeFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// writeFile writes beside the file and renames, so that an interruption leaves no half a file.
func (p pki) writeFile(file string, content []byte) error {
	path := filepath.Join(p.folder, file)
	if err := os.WriteFile(path+".part", content, 0o600); err != nil {
		return fmt.Errorf("failed to write %s: %w", path, err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return fmt.Errorf("failed to rename %s: %w", path, err)
	}
	return nil
}

func (p pki) readPEM(file string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(p.folder, file))
	if err != nil {
		return nil, fmt.Errorf("failed to read %s: %w", file, err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("failed to decode %s: no PEM block", file)
	}
	return block.Bytes, nil
}
